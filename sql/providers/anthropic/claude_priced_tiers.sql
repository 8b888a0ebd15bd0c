-- The cost lines as things to allocate. A priced thing is cost that one set of payers shares: the lines of one
-- workspace, model, kind of cost, token type, service tier and context window; also of one geography and speed if
-- claude_usage_by_line has the tokens of each. If analytics, which have no tier but batch, measure the cost, a thing is
-- the cost of one measured amount: the batch tier, the other tiers, or all of them, and every context window.
--
-- grain: one service tier of one priced thing of an account on one UTC day
-- step of: claude_cost_shares
-- built: daily by activity_date
-- group: claude
-- blocked by: anthropic
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: the number of the priced thing, within the account's day
--   organization_id string not null: the Console organization
--   workspace_id string not null: as in claude_charged_lines, as are the next three and service_tier
--   model string not null: empty where none was used
--   cost_type string not null: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string not null: empty where no token was bought
--   service_tier string not null: standard, batch, …; empty where no token was bought
--   tiers string not null: what the thing covers: its one tier, or where analytics measure it: batch, other or all
--   is_apart boolean not null: claude_usage_by_line has the tokens of the thing's lines
--   context_window string not null: empty where the thing covers all of them
--   inference_geo string not null: empty where the thing covers all of them
--   speed string not null: empty where the thing covers all of them
--   measured_usd numeric: what analytics measured of the whole thing; null where they measured nothing
--   measured_rows integer: rows of analytics of the model and kind of cost; null where they measured nothing
--   amount_usd numeric not null: billed in this tier, in USD
--   line_count integer not null: cost lines
with line_cells as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        max(inference_geo) != '' as has_geos,
        max(speed) != '' as has_speeds
    from ai_usage_analytics.claude_line_tokens
    where activity_date between @first_day and @last_day
    group by activity_date, account, workspace_id, model, token_type
),

beside as (
    select
        lines.*,
        matches.measured_rows,
        coalesce(matches.is_together, false) as is_together,
        case
            when matches.is_together then matches.measured_usd
            when lines.is_batch then matches.batch_usd
            else matches.measured_usd - matches.batch_usd
        end as measured_usd,
        coalesce(
            case
                when matches.is_together then matches.positive_rows
                when lines.is_batch then matches.positive_batch_rows
                else matches.positive_rows - matches.positive_batch_rows
            end, 0
        ) > 0 as is_measured
    from ai_usage_analytics.claude_charged_lines as lines
    left join ai_usage_analytics.claude_measured_cells as matches
        on
            lines.activity_date = matches.activity_date
            and lines.account = matches.account
            and lines.workspace_id = matches.workspace_id
            and lines.model = matches.model
            and lines.cost_type = matches.cost_type
            and lines.token_type = matches.token_type
            and matches.activity_date between @first_day and @last_day
    where lines.activity_date between @first_day and @last_day
),

marked as (
    select
        beside.activity_date,
        beside.account,
        beside.organization_id,
        beside.workspace_id,
        beside.model,
        beside.cost_type,
        beside.token_type,
        beside.service_tier,
        beside.amount_usd,
        if(beside.is_measured, beside.measured_usd, null) as measured_usd,
        if(beside.is_measured, beside.measured_rows, null) as measured_rows,
        case
            when not beside.is_measured then beside.service_tier
            when beside.is_together then 'all'
            when beside.is_batch then 'batch'
            else 'other'
        end as tiers,
        not beside.is_measured and line_cells.activity_date is not null as is_apart,
        if(beside.is_measured, '', beside.context_window) as context_window,
        if(not beside.is_measured and line_cells.has_geos, beside.inference_geo, '') as inference_geo,
        if(not beside.is_measured and line_cells.has_speeds, beside.speed, '') as speed
    from beside
    left join line_cells
        on
            beside.activity_date = line_cells.activity_date
            and beside.account = line_cells.account
            and beside.workspace_id = line_cells.workspace_id
            and beside.model = line_cells.model
            and beside.token_type = line_cells.token_type
)

select
    activity_date,
    account,
    dense_rank() over (
        partition by activity_date, account
        order by
            organization_id, workspace_id, model, cost_type, token_type, tiers, context_window, inference_geo, speed
    ) as thing,
    organization_id,
    workspace_id,
    model,
    cost_type,
    token_type,
    service_tier,
    tiers,
    is_apart,
    context_window,
    inference_geo,
    speed,
    measured_usd,
    max(measured_rows) as measured_rows,
    sum(amount_usd) as amount_usd,
    count(*) as line_count
from marked
group by
    activity_date, account, organization_id, workspace_id, model, cost_type, token_type, service_tier, tiers, is_apart,
    context_window, inference_geo, speed, measured_usd
