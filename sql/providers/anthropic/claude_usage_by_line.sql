-- Tokens by everything that the price of a cost line depends on, where lines of one model and token type in one
-- workspace differ in geography or speed: found from two reports, of which one has tier and context window, the other
-- geography and speed. Lines that do not exist had no tokens, and a key's two sums must agree: where that leaves one
-- answer for every key, it is here; where it does not, there is no row, and shares of such lines are estimates.
--
-- grain: one key's tokens of one type in the cost lines of one tier, context window, geography and speed on one UTC day
-- built: daily by activity_date
-- group: claude
-- cluster: workspace_id, api_key_id
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   api_key_id string: null is Console and Workbench use
--   workspace_id string: null is the default workspace, never a total
--   model string: the model's id
--   token_type string not null: which kind of token
--   service_tier string: standard, batch, …; null where the reports have none
--   context_window string: 0-200k or 200k-1M
--   inference_geo string: global, us or not_available; null where the day's lines do not differ in it
--   speed string: standard or fast; null where the day's lines do not differ in it
--   tokens integer not null: how many
with lines as (
    select distinct
        activity_date,
        account,
        coalesce(workspace_id, '') as workspace_id,
        coalesce(model, '') as model,
        token_type,
        coalesce(service_tier, '') as service_tier,
        coalesce(context_window, '') as context_window,
        coalesce(inference_geo, '') as inference_geo,
        coalesce(speed, '') as speed
    from ai_usage_analytics.claude_costs
    where
        activity_date between @first_day and @last_day
        and token_type is not null
),

cells as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        min(inference_geo) != max(inference_geo) as has_geos,
        min(speed) != max(speed) as has_speeds
    from lines
    group by activity_date, account, workspace_id, model, token_type, service_tier, context_window
    having min(inference_geo) != max(inference_geo) or min(speed) != max(speed)
),

mixed as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        logical_or(has_geos) as has_geos,
        logical_or(has_speeds) as has_speeds
    from cells
    group by activity_date, account, workspace_id, model, token_type
),

-- The cost lines as pairs: the dimensions of the first report, and those of the second.
pairs as (
    select distinct
        lines.activity_date,
        lines.account,
        lines.workspace_id,
        lines.model,
        lines.token_type,
        lines.service_tier,
        lines.context_window,
        if(mixed.has_geos, lines.inference_geo, '') as inference_geo,
        if(mixed.has_speeds, lines.speed, '') as speed
    from lines
    inner join mixed
        on
            lines.activity_date = mixed.activity_date
            and lines.account = mixed.account
            and lines.workspace_id = mixed.workspace_id
            and lines.model = mixed.model
            and lines.token_type = mixed.token_type
),

by_tier as (
    select
        mixed.activity_date,
        mixed.account,
        mixed.workspace_id,
        mixed.model,
        mixed.token_type,
        coalesce(used.api_key_id, '') as api_key_id,
        coalesce(used.service_tier, '') as service_tier,
        coalesce(used.context_window, '') as context_window,
        sum(
            case mixed.token_type
                when 'uncached_input_tokens' then used.uncached_input_tokens
                when 'output_tokens' then used.output_tokens
                when 'cache_read_input_tokens' then used.cache_read_input_tokens
                when 'cache_creation.ephemeral_5m_input_tokens' then used.cache_creation_5m_tokens
                when 'cache_creation.ephemeral_1h_input_tokens' then used.cache_creation_1h_tokens
                else 0
            end
        ) as tokens
    from mixed
    inner join ai_usage_analytics.claude_usage_tokens as used
        on
            mixed.activity_date = used.activity_date
            and mixed.account = used.account
            and mixed.workspace_id = coalesce(used.workspace_id, '')
            and mixed.model = coalesce(used.model, '')
    where used.activity_date between @first_day and @last_day
    group by
        mixed.activity_date, mixed.account, mixed.workspace_id, mixed.model, mixed.token_type, used.api_key_id,
        used.service_tier, used.context_window
),

by_speed as (
    select
        mixed.activity_date,
        mixed.account,
        mixed.workspace_id,
        mixed.model,
        mixed.token_type,
        coalesce(used.api_key_id, '') as api_key_id,
        if(mixed.has_geos, coalesce(used.inference_geo, ''), '') as inference_geo,
        if(mixed.has_speeds, coalesce(used.speed, ''), '') as speed,
        sum(
            case mixed.token_type
                when 'uncached_input_tokens' then used.uncached_input_tokens
                when 'output_tokens' then used.output_tokens
                when 'cache_read_input_tokens' then used.cache_read_input_tokens
                when 'cache_creation.ephemeral_5m_input_tokens' then used.cache_creation_5m_tokens
                when 'cache_creation.ephemeral_1h_input_tokens' then used.cache_creation_1h_tokens
                else 0
            end
        ) as tokens
    from mixed
    inner join ai_usage_analytics.claude_usage_tokens_by_speed as used
        on
            mixed.activity_date = used.activity_date
            and mixed.account = used.account
            and mixed.workspace_id = coalesce(used.workspace_id, '')
            and mixed.model = coalesce(used.model, '')
    where used.activity_date between @first_day and @last_day
    group by
        mixed.activity_date, mixed.account, mixed.workspace_id, mixed.model, mixed.token_type, used.api_key_id,
        if(mixed.has_geos, coalesce(used.inference_geo, ''), ''), if(mixed.has_speeds, coalesce(used.speed, ''), '')
),

-- What a key can have used: each of its pairs that has a cost line. Priority Tier has none, whatever its speed.
candidates as (
    select
        by_tier.activity_date,
        by_tier.account,
        by_tier.workspace_id,
        by_tier.model,
        by_tier.token_type,
        by_tier.api_key_id,
        by_tier.service_tier,
        by_tier.context_window,
        by_speed.inference_geo,
        by_speed.speed,
        by_tier.tokens as tier_tokens,
        by_speed.tokens as speed_tokens
    from by_tier
    inner join by_speed
        on
            by_tier.activity_date = by_speed.activity_date
            and by_tier.account = by_speed.account
            and by_tier.workspace_id = by_speed.workspace_id
            and by_tier.model = by_speed.model
            and by_tier.token_type = by_speed.token_type
            and by_tier.api_key_id = by_speed.api_key_id
    left join pairs
        on
            by_tier.activity_date = pairs.activity_date
            and by_tier.account = pairs.account
            and by_tier.workspace_id = pairs.workspace_id
            and by_tier.model = pairs.model
            and by_tier.token_type = pairs.token_type
            and by_tier.service_tier = pairs.service_tier
            and by_tier.context_window = pairs.context_window
            and by_speed.inference_geo = pairs.inference_geo
            and by_speed.speed = pairs.speed
    where
        by_tier.tokens > 0
        and by_speed.tokens > 0
        and (pairs.activity_date is not null or by_tier.service_tier like 'priority%')
),

-- A pair that is the only one of its tier and context window, or of its geography and speed, has all of its tokens.
first_found as (
    select
        candidates.*,
        case
            when count(*) over of_tier = 1 then tier_tokens
            when count(*) over of_speed = 1 then speed_tokens
        end as found_tokens
    from candidates
    window
        of_tier as (
            partition by
                activity_date, account, workspace_id, model, token_type, api_key_id, service_tier, context_window
        ),
        of_speed as (
            partition by activity_date, account, workspace_id, model, token_type, api_key_id, inference_geo, speed
        )
),

-- So has one that is the only one left, the rest of them.
found as (
    select
        first_found.* except (found_tokens),
        case
            when found_tokens is not null then found_tokens
            when countif(found_tokens is null) over of_tier = 1
                then tier_tokens - coalesce(sum(found_tokens) over of_tier, 0)
            when countif(found_tokens is null) over of_speed = 1
                then speed_tokens - coalesce(sum(found_tokens) over of_speed, 0)
        end as tokens
    from first_found
    window
        of_tier as (
            partition by
                activity_date, account, workspace_id, model, token_type, api_key_id, service_tier, context_window
        ),
        of_speed as (
            partition by activity_date, account, workspace_id, model, token_type, api_key_id, inference_geo, speed
        )
),

proven as (
    select
        found.*,
        coalesce(
            tokens >= 0
            and sum(tokens) over of_tier = tier_tokens
            and sum(tokens) over of_speed = speed_tokens, false
        ) as is_proven
    from found
    window
        of_tier as (
            partition by
                activity_date, account, workspace_id, model, token_type, api_key_id, service_tier, context_window
        ),
        of_speed as (
            partition by activity_date, account, workspace_id, model, token_type, api_key_id, inference_geo, speed
        )
),

wholes as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        sum(tokens) as tokens
    from by_tier
    group by activity_date, account, workspace_id, model, token_type
),

complete as (
    select
        wholes.activity_date,
        wholes.account,
        wholes.workspace_id,
        wholes.model,
        wholes.token_type
    from wholes
    inner join proven
        on
            wholes.activity_date = proven.activity_date
            and wholes.account = proven.account
            and wholes.workspace_id = proven.workspace_id
            and wholes.model = proven.model
            and wholes.token_type = proven.token_type
    group by wholes.activity_date, wholes.account, wholes.workspace_id, wholes.model, wholes.token_type, wholes.tokens
    having logical_and(proven.is_proven) and sum(proven.tokens) = wholes.tokens
)

select
    proven.activity_date,
    proven.account,
    nullif(proven.api_key_id, '') as api_key_id,
    nullif(proven.workspace_id, '') as workspace_id,
    nullif(proven.model, '') as model,
    proven.token_type,
    nullif(proven.service_tier, '') as service_tier,
    nullif(proven.context_window, '') as context_window,
    nullif(proven.inference_geo, '') as inference_geo,
    nullif(proven.speed, '') as speed,
    proven.tokens
from proven
inner join complete
    on
        proven.activity_date = complete.activity_date
        and proven.account = complete.account
        and proven.workspace_id = complete.workspace_id
        and proven.model = complete.model
        and proven.token_type = complete.token_type
where proven.tokens > 0
