-- Kinds of cost of a day and workspace with an allocation that does not add up to the cost, even by the ninth decimal:
-- cost lines, their shares, and the shares after persons and platforms were found.
with amounts as (
    select
        costs.activity_date,
        costs.account,
        coalesce(costs.workspace_id, defaults.workspace_id, 'default') as workspace_id,
        costs.cost_type,
        costs.token_type,
        costs.amount_usd as costs_usd,
        cast(0 as numeric) as shares_usd,
        cast(0 as numeric) as attributed_usd
    from ai_usage_analytics.claude_costs as costs
    left join ai_usage_analytics.claude_default_workspaces as defaults on costs.account = defaults.account
    where costs.activity_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        workspace_id,
        cost_type,
        token_type,
        cast(0 as numeric) as costs_usd,
        cost_usd as shares_usd,
        cast(0 as numeric) as attributed_usd
    from ai_usage_analytics.claude_cost_shares
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        workspace_id,
        cost_type,
        token_type,
        cast(0 as numeric) as costs_usd,
        cast(0 as numeric) as shares_usd,
        cost_usd as attributed_usd
    from ai_usage_analytics.claude_attributed_costs
    where
        expense_date between @first_day and @last_day
        and is_in_cost_report
),

sums as (
    select
        activity_date,
        account,
        workspace_id,
        cost_type,
        token_type,
        sum(costs_usd) as costs_usd,
        sum(shares_usd) as shares_usd,
        sum(attributed_usd) as attributed_usd
    from amounts
    group by activity_date, account, workspace_id, cost_type, token_type
)

select
    activity_date,
    account,
    workspace_id,
    cost_type,
    token_type,
    costs_usd,
    shares_usd,
    attributed_usd
from sums
where costs_usd != shares_usd or costs_usd != attributed_usd
order by activity_date asc, abs(costs_usd - attributed_usd) desc
