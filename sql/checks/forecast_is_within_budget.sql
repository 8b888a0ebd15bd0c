-- Budgets of the current month that are not used up, but are forecast to be exceeded. One row for each.
select
    concat('forecast/', budgets.month, '/', budgets.scope, '/', lower(budgets.scope_name)) as alert_key,
    budgets.month,
    budgets.scope,
    budgets.scope_name,
    budgets.budget_usd,
    budgets.spent_usd,
    budgets.forecast_usd,
    budgets.forecast_low_usd,
    budgets.forecast_high_usd,
    budgets.forecast_usd - budgets.budget_usd as over_usd
from ai_usage_analytics.budget_status as budgets
where
    budgets.days_elapsed < budgets.days_in_month
    and budgets.is_forecast_over
    and budgets.crossed_100_on is null
order by over_usd desc, alert_key asc
