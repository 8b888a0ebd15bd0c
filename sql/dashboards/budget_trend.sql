-- Each month's billed cost, its budget and, for the current month, the forecast. The previous month opens the band.
with months as (
    select
        format_date('%Y-%m', spend_date) as month,
        sum(spent_usd) as billed_usd
    from ai_usage_analytics.spend_by_scope
    where scope = 'total'
    group by month
),

forecasts as (
    select
        month,
        forecast_usd,
        low_usd,
        high_usd
    from ai_usage_analytics.spend_forecast
    where scope = 'total'
),

before as (
    select max(months.month) as month
    from months
    inner join forecasts on months.month < forecasts.month
),

budgets as (
    select
        month,
        budget_usd
    from ai_usage_analytics.budget_status
    where scope = 'total'
)

select
    months.month,
    months.billed_usd,
    budgets.budget_usd,
    if(months.month = before.month, months.billed_usd, forecasts.forecast_usd) as forecast_usd,
    if(months.month = before.month, months.billed_usd, forecasts.low_usd) as low_usd,
    if(months.month = before.month, months.billed_usd, forecasts.high_usd) as high_usd
from months
left join budgets on months.month = budgets.month
left join forecasts on months.month = forecasts.month
cross join before
