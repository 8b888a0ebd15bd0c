-- Budgets of the current month that reached 50, 80 or 100 percent, and those of the previous month that reached one of
-- these thresholds in the last week. One row for each budget.
with newest as (
    select max(spend_date) as as_of_date
    from ai_usage_analytics.spend_by_scope
    where is_complete
),

reached as (
    select
        budgets.alert_key,
        budgets.month,
        budgets.scope,
        budgets.scope_name,
        budgets.budget_usd,
        budgets.spent_usd,
        budgets.spent_ratio,
        budgets.threshold_ratio,
        coalesce(budgets.crossed_100_on, budgets.crossed_80_on, budgets.crossed_50_on) as crossed_on,
        if(budgets.crossed_100_on is not null, 'ERROR', 'WARN') as severity
    from ai_usage_analytics.budget_status as budgets
    where budgets.threshold_ratio is not null
)

select
    reached.alert_key,
    reached.month,
    reached.scope,
    reached.scope_name,
    reached.budget_usd,
    reached.spent_usd,
    reached.spent_ratio,
    reached.threshold_ratio,
    reached.crossed_on,
    reached.severity
from reached
cross join newest
where
    reached.month = format_date('%Y-%m', newest.as_of_date)
    or reached.crossed_on > date_sub(newest.as_of_date, interval 7 day)
order by reached.threshold_ratio desc, reached.spent_usd desc, reached.alert_key asc
