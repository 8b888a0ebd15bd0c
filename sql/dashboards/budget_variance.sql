-- The current month's forecast minus its budget, all providers together.
with newest as (
    select max(month) as month from ai_usage_analytics.spend_by_person
    where billed_usd is not null
)

select
    budgets.month,
    budgets.budget_usd,
    budgets.spent_usd,
    budgets.forecast_usd,
    budgets.forecast_usd - budgets.budget_usd as variance_usd
from ai_usage_analytics.budget_status as budgets
inner join newest on budgets.month = newest.month
where
    budgets.scope = 'total'
    and budgets.budget_usd is not null
