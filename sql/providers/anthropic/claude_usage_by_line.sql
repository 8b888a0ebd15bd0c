-- Tokens by everything that the price of a cost line depends on, where lines of one model and token type in one
-- workspace differ in geography or speed. They are computed from two reports: one has tier and context window, the
-- other geography and speed. Tokens can only be in the pairs of claude_line_candidates, and a key's two sums must
-- agree. If that gives one solution for every key, it is here; otherwise there is no row, and shares of such lines are
-- estimates.
--
-- grain: one key's tokens of one type in the cost lines of one tier, context window, geography and speed on one UTC day
-- step of: claude_cost_shares
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
with candidates as (
    select *
    from ai_usage_analytics.claude_line_candidates
    where activity_date between @first_day and @last_day
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

-- The only pair that is left has the rest of the tokens.
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

-- Models and token types of which every token is proven.
complete as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type
    from proven
    group by activity_date, account, workspace_id, model, token_type, cell_tokens
    having logical_and(is_proven) and sum(tokens) = cell_tokens
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
