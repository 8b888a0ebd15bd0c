-- What the cost report has of each account's day, as a whole and by workspace.
select
    expense_date as activity_date,
    account,
    true as is_whole,
    cast(null as string) as sub_account,
    cost_usd as usd
from ai_usage_analytics.claude_total_expenses
union all
select
    expense_date as activity_date,
    account,
    false as is_whole,
    workspace_id as sub_account,
    cost_usd as usd
from ai_usage_analytics.claude_expenses
where is_in_cost_report
