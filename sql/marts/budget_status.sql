-- The status of each month's budgets: what is used, when each threshold was crossed, and whether the forecast is over.
--
-- grain: one budget of one month, as the sheet's tab has it
-- question: Which budgets are used up, and which will be?
-- example: select month, scope, scope_name, budget_usd, spent_ratio, forecast_usd, crossed_80_on from
--   ai_usage_analytics.budget_status order by spent_ratio desc
-- built: whole
-- group: forecast
-- columns:
--   month string not null: YYYY-MM
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: the provider, team or cost center, as the sheet has it; `all` for the total
--   budget_usd numeric not null: as the sheet has it
--   spent_usd numeric not null: billed in the month so far, seats included
--   spent_ratio numeric: share of the budget that is used; null for a budget of $0
--   days_elapsed integer not null: days of the month up to the last complete one
--   days_in_month integer not null: days of the calendar month
--   run_rate_usd numeric: the month's total at the pace of the month so far; null before it begins
--   forecast_usd numeric: the month's total by spend_forecast; for a past month what was spent; null before the month
--     begins and while there is too little history
--   forecast_low_usd numeric: one month in ten should end below
--   forecast_high_usd numeric: one month in ten should end above
--   forecast_ratio numeric: forecast_usd divided by the budget
--   is_forecast_over boolean: whether forecast_usd is above the budget; null without a forecast
--   threshold_ratio numeric: the highest of 0.5, 0.8 and 1 that is reached; null below 0.5
--   crossed_50_on date: the first UTC day by the end of which half of the budget was used
--   crossed_80_on date: likewise for 80 %
--   crossed_100_on date: likewise for 100 %
--   alert_key string: the same for each month, budget and threshold that is reached; null below 0.5
with budgets as (
    select
        month,
        scope,
        if(scope = 'total', 'all', coalesce(scope_name, '')) as scope_name,
        amount_usd as budget_usd,
        cast(concat(month, '-01') as date) as month_start
    from ai_usage_analytics.budgets
),

spending as (
    select
        spend_date,
        scope,
        lower(scope_name) as scope_name,
        sum(spent_usd) as spent_usd
    from ai_usage_analytics.spend_by_scope
    group by spend_date, scope, lower(scope_name)
),

-- People type a name in either case.
days as (
    select
        budgets.month,
        budgets.scope,
        budgets.scope_name,
        budgets.budget_usd,
        spending.spend_date,
        sum(spending.spent_usd) over (
            partition by budgets.month, budgets.scope, budgets.scope_name
            order by spending.spend_date
            rows between unbounded preceding and current row
        ) as spent_usd
    from budgets
    inner join spending
        on
            budgets.scope = spending.scope
            and lower(budgets.scope_name) = spending.scope_name
            and budgets.month_start <= spending.spend_date
            and last_day(budgets.month_start) >= spending.spend_date
),

reached as (
    select
        month,
        scope,
        scope_name,
        max(spend_date) as last_date,
        min(
            if(spent_usd > 0 and spent_usd >= cast(budget_usd * cast('0.5' as numeric) as numeric), spend_date, null)
        ) as crossed_50_on,
        min(
            if(spent_usd > 0 and spent_usd >= cast(budget_usd * cast('0.8' as numeric) as numeric), spend_date, null)
        ) as crossed_80_on,
        min(if(spent_usd > 0 and spent_usd >= budget_usd, spend_date, null)) as crossed_100_on
    from days
    group by month, scope, scope_name
),

last_complete as (
    select
        scope,
        scope_name,
        max(spend_date) as as_of_date
    from ai_usage_analytics.spend_by_scope
    where is_complete and scope in ('total', 'provider')
    group by scope, scope_name
),

states as (
    select
        budgets.month,
        budgets.scope,
        budgets.scope_name,
        budgets.budget_usd,
        reached.crossed_50_on,
        reached.crossed_80_on,
        reached.crossed_100_on,
        coalesce(days.spent_usd, cast(0 as numeric)) as spent_usd,
        extract(day from last_day(budgets.month_start)) as days_in_month,
        greatest(0, least(
            coalesce(date_diff(last_complete.as_of_date, budgets.month_start, day) + 1, 0),
            extract(day from last_day(budgets.month_start))
        )) as days_elapsed
    from budgets
    left join reached
        on
            budgets.month = reached.month
            and budgets.scope = reached.scope
            and budgets.scope_name = reached.scope_name
    left join days
        on
            reached.month = days.month
            and reached.scope = days.scope
            and reached.scope_name = days.scope_name
            and reached.last_date = days.spend_date
    left join last_complete
        on
            last_complete.scope = if(budgets.scope = 'provider', 'provider', 'total')
            and last_complete.scope_name = if(budgets.scope = 'provider', budgets.scope_name, 'all')
),

forecast as (
    select
        states.*,
        case
            when states.days_elapsed = states.days_in_month then states.spent_usd
            when states.days_elapsed > 0
                then greatest(states.spent_usd, forecasts.forecast_usd)
        end as forecast_usd,
        if(states.days_elapsed = states.days_in_month, states.spent_usd, forecasts.low_usd) as forecast_low_usd,
        if(states.days_elapsed = states.days_in_month, states.spent_usd, forecasts.high_usd) as forecast_high_usd,
        case
            when states.crossed_100_on is not null then '1'
            when states.crossed_80_on is not null then '0.8'
            when states.crossed_50_on is not null then '0.5'
        end as threshold
    from states
    left join ai_usage_analytics.spend_forecast as forecasts
        on
            states.month = forecasts.month
            and states.scope = forecasts.scope
            and lower(states.scope_name) = lower(forecasts.scope_name)
)

select
    month,
    scope,
    scope_name,
    budget_usd,
    spent_usd,
    cast(round(
        safe_divide(cast(spent_usd as float64), cast(budget_usd as float64)), 6
    ) as numeric) as spent_ratio,
    days_elapsed,
    days_in_month,
    cast(round(
        safe_divide(cast(spent_usd as float64), cast(days_elapsed as float64)) * days_in_month, 2
    ) as numeric) as run_rate_usd,
    forecast_usd,
    forecast_low_usd,
    forecast_high_usd,
    cast(round(
        safe_divide(cast(forecast_usd as float64), cast(budget_usd as float64)), 6
    ) as numeric) as forecast_ratio,
    forecast_usd > budget_usd as is_forecast_over,
    cast(threshold as numeric) as threshold_ratio,
    crossed_50_on,
    crossed_80_on,
    crossed_100_on,
    concat('budget/', month, '/', scope, '/', lower(scope_name), '/', threshold) as alert_key
from forecast
