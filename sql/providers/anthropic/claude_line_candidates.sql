-- Which cost lines a key can have used tokens of, where lines of one model and token type in one workspace differ in
-- geography or speed. One usage report has tier and context window, the other geography and speed: a row is a pair of
-- them that has a cost line, and in which the key has tokens by both reports. Priority Tier has no cost lines: it is
-- paired with every geography and speed that the key used.
--
-- grain: one key's candidate for tokens of one type in one tier, context window, geography and speed on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: empty is the default workspace
--   model string not null: the model's id; empty where there is none
--   token_type string not null: which kind of token
--   api_key_id string not null: empty is Console and Workbench use
--   service_tier string not null: as in claude_usage_by_line, but empty instead of null, as are the next three
--   context_window string not null: 0-200k or 200k-1M
--   inference_geo string not null: empty where the day's lines do not differ in it
--   speed string not null: empty where the day's lines do not differ in it
--   tier_tokens integer not null: the key's tokens of the tier and context window, in whatever geography and speed
--   speed_tokens integer not null: the key's tokens of the geography and speed, in whatever tier and context window
--   cell_tokens integer not null: all keys' tokens of the model and type in the workspace
with pairs as (
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
    from ai_usage_analytics.claude_line_dimensions as lines
    inner join ai_usage_analytics.claude_mixed_cells as mixed
        on
            lines.activity_date = mixed.activity_date
            and lines.account = mixed.account
            and lines.workspace_id = mixed.workspace_id
            and lines.model = mixed.model
            and lines.token_type = mixed.token_type
),

-- What a key used by tier and context window, in the first report.
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
        sum(used.units) as tokens,
        sum(sum(used.units)) over (
            partition by mixed.activity_date, mixed.account, mixed.workspace_id, mixed.model, mixed.token_type
        ) as cell_tokens
    from ai_usage_analytics.claude_mixed_cells as mixed
    inner join ai_usage_analytics.claude_token_units as used
        on
            mixed.activity_date = used.activity_date
            and mixed.account = used.account
            and mixed.workspace_id = coalesce(used.workspace_id, '')
            and mixed.model = coalesce(used.model, '')
            and mixed.token_type = used.kind
    group by
        mixed.activity_date, mixed.account, mixed.workspace_id, mixed.model, mixed.token_type, used.api_key_id,
        used.service_tier, used.context_window
),

-- What it used by geography and speed, in the second report, as far as the cost lines differ in them.
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
    from ai_usage_analytics.claude_mixed_cells as mixed
    inner join ai_usage_analytics.claude_usage_tokens_by_speed as used
        on
            mixed.activity_date = used.activity_date
            and mixed.account = used.account
            and mixed.workspace_id = coalesce(used.workspace_id, '')
            and mixed.model = coalesce(used.model, '')
    group by
        mixed.activity_date, mixed.account, mixed.workspace_id, mixed.model, mixed.token_type, used.api_key_id,
        if(mixed.has_geos, coalesce(used.inference_geo, ''), ''), if(mixed.has_speeds, coalesce(used.speed, ''), '')
)

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
    by_speed.tokens as speed_tokens,
    by_tier.cell_tokens
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
