-- Where analytics and the cost report differ within the Console, beyond rounding: by workspace, model and what was
-- bought.
with sides as (
    select
        costs.activity_date,
        costs.account,
        coalesce(costs.workspace_id, defaults.workspace_id, 'default') as workspace_id,
        cast(null as string) as product,
        if(costs.token_type is null, null, costs.model) as model,
        coalesce(costs.token_type, costs.cost_type) as kind,
        costs.amount_usd as cost_report_usd,
        cast(0 as numeric) as analytics_usd
    from ai_usage_analytics.claude_costs as costs
    left join ai_usage_analytics.claude_default_workspaces as defaults on costs.account = defaults.account
    where costs.activity_date between @first_day and @last_day
    union all
    select
        activity_date,
        account,
        workspace_id,
        product,
        if(token_type is null, null, model) as model,
        coalesce(token_type, cost_type) as kind,
        cast(0 as numeric) as cost_report_usd,
        amount_usd as analytics_usd
    from ai_usage_analytics.claude_measured_costs
    where
        activity_date between @first_day and @last_day
        and is_in_cost_report
),

cells as (
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
    from sides
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
