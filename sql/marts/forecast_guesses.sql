-- Each method's forecast of the days left in a month, and its error once the month is over. naive_run_rate
-- continues the month so far, seats included, at the same pace; the weekday methods forecast usage, and seats continue
-- as on the day.
--
-- grain: one method's forecast of one scope's month, made on one day
-- step of: spend_forecast
-- built: view
-- group: forecast
-- columns:
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   origin_date date not null: the last day that was known
--   month_start date not null: the first day of the month
--   method string not null: naive_run_rate, weekday_mean, weekday_median or weekday_ewma
--   horizon string not null: days left: 1-7, 8-14, 15-21 or 22+; over without any
--   days_left_count integer not null: days yet to come, or missing
--   spent_usd numeric not null: billed in the month up to the day
--   fixed_usd float not null: the part of the days left that does not depend on the method: seats
--   forecast_left_usd float not null: what the method forecasts of the days left besides
--   deviation_usd float not null: by how much the days left can be expected to differ: the variation of days, that of
--     the mean of four weeks, and that of the level
--   actual_usd numeric: as in forecast_states
--   left_error_ratio float: by how much more or less the days left cost than the method forecast, in deviation_usd;
--     null where no error is measured: the month is not over, no day was left, or it cost less than a dollar
--   month_error_ratio float: |forecast - actual| / actual of the month's total; null likewise
with guesses as (
    select
        states.*,
        method,
        case
            when states.days_left_count = 0 then 'over'
            when states.days_left_count <= 7 then '1-7'
            when states.days_left_count <= 14 then '8-14'
            when states.days_left_count <= 21 then '15-21'
            else '22+'
        end as horizon,
        if(method = 'naive_run_rate', 0, states.seats_left_usd) as fixed_usd,
        case method
            when 'naive_run_rate'
                then cast(states.spent_usd as float64) / states.days_known_count * states.days_left_count
            when 'weekday_mean' then states.mean_left_usd
            when 'weekday_median' then states.median_left_usd
            else states.ewma_left_usd
        end as forecast_left_usd
    from ai_usage_analytics.forecast_states as states
    cross join unnest(['naive_run_rate', 'weekday_mean', 'weekday_median', 'weekday_ewma']) as method
),

measured as (
    select
        guesses.*,
        coalesce(
            guesses.actual_usd >= thresholds.measured_usd
            and guesses.days_left_count > 0,
            false
        ) as is_measured,
        cast(guesses.actual_usd as float64) - cast(guesses.spent_usd as float64) - guesses.fixed_usd as actual_left_usd,
        sqrt(
            guesses.spread_usd * guesses.spread_usd * guesses.days_left_count
            * (1 + guesses.days_left_count / thresholds.mean_days)
            + thresholds.level_ratio * thresholds.level_ratio * guesses.forecast_left_usd * guesses.forecast_left_usd
        ) as deviation_usd
    from guesses
    cross join ai_usage_analytics.forecast_thresholds as thresholds
)

select
    scope,
    scope_name,
    origin_date,
    month_start,
    method,
    horizon,
    days_left_count,
    spent_usd,
    fixed_usd,
    forecast_left_usd,
    deviation_usd,
    actual_usd,
    if(
        is_measured, safe_divide(abs(actual_left_usd - forecast_left_usd), deviation_usd), null
    ) as left_error_ratio,
    if(
        is_measured, safe_divide(abs(actual_left_usd - forecast_left_usd), cast(actual_usd as float64)), null
    ) as month_error_ratio
from measured
