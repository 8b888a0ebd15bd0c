-- The measured cost in analytics of one thing in one workspace, and whether batch and the other tiers can be
-- separated there: analytics show batch by product, the cost report by tier. Where the two disagree and only all tiers
-- together agree, all tiers are matched together.
--
-- grain: one model and kind of cost in one workspace on one UTC day with a row of analytics
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: as in claude_charged_lines
--   model string not null: as in claude_charged_lines; empty where no token was bought
--   cost_type string not null: as in claude_charged_lines
--   token_type string not null: as in claude_charged_lines
--   measured_usd numeric not null: by analytics
--   batch_usd numeric not null: by analytics, of their batch product
--   measured_rows integer not null: rows of analytics
--   positive_rows integer not null: of these, rows with an amount above zero
--   positive_batch_rows integer not null: of these, rows of the batch product
--   is_together boolean not null: batch and other tiers agree with the lines only together
with sides as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        cost_type,
        token_type,
        is_batch,
        amount_usd as charged_usd,
        cast(0 as numeric) as measured_usd,
        0 as is_measured
    from ai_usage_analytics.claude_charged_lines
    union all
    select
        activity_date,
        account,
        workspace_id,
        line_model as model,
        cost_type,
        token_type,
        is_batch,
        cast(0 as numeric) as charged_usd,
        amount_usd as measured_usd,
        1 as is_measured
    from ai_usage_analytics.claude_measured_lines
),

sums as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        cost_type,
        token_type,
        sum(measured_usd) as measured_usd,
        sum(if(is_batch, measured_usd, cast(0 as numeric))) as batch_usd,
        sum(charged_usd) - sum(measured_usd) as apart_usd,
        sum(if(is_batch, charged_usd - measured_usd, cast(0 as numeric))) as batch_apart_usd,
        sum(is_measured) as measured_rows,
        countif(measured_usd > 0) as positive_rows,
        countif(is_batch and measured_usd > 0) as positive_batch_rows,
        cast(count(*) as numeric) * cast('0.000000001' as numeric) as rounding_usd
    from sides
    group by activity_date, account, workspace_id, model, cost_type, token_type
    having sum(is_measured) > 0
)

select
    activity_date,
    account,
    workspace_id,
    model,
    cost_type,
    token_type,
    measured_usd,
    batch_usd,
    measured_rows,
    positive_rows,
    positive_batch_rows,
    abs(apart_usd) <= rounding_usd
    and abs(batch_apart_usd) > if(apart_usd = 0, cast(0 as numeric), rounding_usd) as is_together
from sums
