-- Differences between analytics and the cost report within the Console, beyond rounding: by workspace, model and token
-- or cost type.
with cells as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        kind,
        string_agg(distinct product, ', ' order by product) as products,
        count(*) as lines,
        sum(cost_report_usd) as cost_report_usd,
        sum(analytics_usd) as analytics_usd
    from ai_usage_analytics.claude_report_sides
    where
        activity_date between @first_day and @last_day
        and is_in_console
    group by activity_date, account, workspace_id, model, kind
)

select
    cells.activity_date,
    cells.account,
    cells.workspace_id,
    names.workspace_name,
    cells.model,
    cells.kind,
    cells.products,
    cells.cost_report_usd,
    cells.analytics_usd,
    cells.analytics_usd - cells.cost_report_usd as difference_usd
from cells
left join ai_usage_analytics.dim_workspace as names
    on cells.account = names.account and cells.workspace_id = names.workspace_id
where
    abs(cells.analytics_usd - cells.cost_report_usd)
    > cast(cells.lines as numeric) * cast('0.000000001' as numeric)
order by cells.activity_date
