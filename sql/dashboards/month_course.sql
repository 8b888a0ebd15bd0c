-- The current month's billed cost so far, day by day, its budget, and the forecast for the month's last day. The band
-- opens on the newest day that is known.
with days as (
    select
        spend_date,
        format_date('%Y-%m', spend_date) as month,
        spent_usd
    from ai_usage_analytics.spend_by_scope
    where scope = 'total'
),

newest as (
    select
        max(month) as month,
        max(spend_date) as spend_date
    from days
),

so_far as (
    select
        days.spend_date,
        days.month,
        sum(days.spent_usd) over (order by days.spend_date) as spent_usd
    from days
    inner join newest on days.month = newest.month
),

budgets as (
    select
        month,
        budget_usd
    from ai_usage_analytics.budget_status
    where scope = 'total'
)

select
    so_far.spend_date,
    so_far.spent_usd,
    budgets.budget_usd,
    if(so_far.spend_date = newest.spend_date, so_far.spent_usd, null) as forecast_usd,
    if(so_far.spend_date = newest.spend_date, so_far.spent_usd, null) as low_usd,
    if(so_far.spend_date = newest.spend_date, so_far.spent_usd, null) as high_usd
from so_far
inner join newest on so_far.month = newest.month
left join budgets on so_far.month = budgets.month
union all
select
    last_day(newest.spend_date, month) as spend_date,
    cast(null as numeric) as spent_usd,
    budgets.budget_usd,
    forecasts.forecast_usd,
    forecasts.low_usd,
    forecasts.high_usd
from newest
inner join ai_usage_analytics.spend_forecast as forecasts on newest.month = forecasts.month
left join budgets on newest.month = budgets.month
where forecasts.scope = 'total'
