-- Each method's forecast of each month's total, made on every third day and on the last known day, and the month's
-- actual total. Past months are the back-test; the last day's row of `chosen` is the forecast. A row uses only what was
-- known on its day: the best method and the intervals come from months that were over before. The steps are files of
-- their own: forecast_history, forecast_weekdays, forecast_states, forecast_guesses and forecast_error_ranges;
-- forecast_thresholds has the constants with their reasons.
--
-- Seats continue as on the day, with the changes that the sheet dates; usage of the days left is forecast by weekday,
-- or at the pace of the month so far. The interval: how much days and the level vary, times what held eight of ten
-- errors of earlier months with as many days left, of all scopes of its kind. Usage below $0 is not expected.
--
-- grain: one method's forecast of one month of one scope, made on one day
-- question: What did each method forecast for earlier months, and what was the actual cost?
-- example: select month, origin_date, method, forecast_usd, actual_usd from ai_usage_analytics.forecast_trials where
--   scope = 'total' order by month, origin_date, method
-- built: whole
-- group: forecast
-- columns:
--   month string not null: YYYY-MM
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   origin_date date not null: the last day that was known when it was made
--   days_left integer not null: days of the month yet to come, or missing
--   method string not null: naive_run_rate, weekday_mean, weekday_median, weekday_ewma, or chosen
--   based_on string not null: the method itself; for chosen the best one in the scope's earlier months, or weekday_ewma
--     if none is better by a tenth or there are fewer than eight forecasts to compare
--   spent_usd numeric not null: billed in the month up to the day
--   forecast_usd numeric not null: the month's total
--   low_usd numeric: one month in ten should end below
--   high_usd numeric: one month in ten should end above
--   interval_basis string: kind (errors of earlier months of all scopes of the kind), or spread of days while there are
--     none; null once the month is over
--   actual_usd numeric: the month's actual total; null while it lasts, or if one of its days is missing
with months as (
    select distinct
        scope,
        scope_name,
        month_start
    from ai_usage_analytics.forecast_states
),

-- What was known about the methods before a month began.
records as (
    select
        months.scope,
        months.scope_name,
        months.month_start,
        guesses.method,
        avg(guesses.month_error_ratio) as mape_ratio
    from months
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    inner join ai_usage_analytics.forecast_guesses as guesses
        on
            months.scope = guesses.scope
            and months.scope_name = guesses.scope_name
            and months.month_start > guesses.month_start
    where
        guesses.method != 'naive_run_rate'
        and guesses.left_error_ratio is not null
    group by months.scope, months.scope_name, months.month_start, guesses.method
    having count(*) >= max(thresholds.least_forecasts_count)
),

best as (
    select
        records.scope,
        records.scope_name,
        records.month_start,
        records.method
    from records
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    qualify row_number() over (
        partition by records.scope, records.scope_name, records.month_start
        order by
            round(
                records.mape_ratio * if(records.method = 'weekday_ewma', thresholds.advantage_ratio, 1.0), 9
            ) asc,
            records.method asc
    ) = 1
),

bounded as (
    select
        guesses.scope,
        guesses.scope_name,
        guesses.month_start,
        guesses.origin_date,
        guesses.days_left_count,
        guesses.method,
        guesses.spent_usd,
        guesses.actual_usd,
        cast(guesses.spent_usd as float64) + guesses.fixed_usd as sure_usd,
        guesses.forecast_left_usd as open_usd,
        if(ranges.width_ratio is null, 'spread of days', 'kind') as interval_basis,
        coalesce(ranges.width_ratio, thresholds.normal_quantile_ratio) * guesses.deviation_usd as half_usd
    from ai_usage_analytics.forecast_guesses as guesses
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    left join ai_usage_analytics.forecast_error_ranges as ranges
        on
            guesses.scope = ranges.scope
            and guesses.month_start = ranges.month_start
            and guesses.method = ranges.method
            and guesses.horizon = ranges.horizon
),

forecasts as (
    select
        bounded.*,
        bounded.method as stands_as
    from bounded
    union all
    select
        bounded.*,
        'chosen' as stands_as
    from bounded
    left join best
        on
            bounded.scope = best.scope
            and bounded.scope_name = best.scope_name
            and bounded.month_start = best.month_start
    where bounded.method = coalesce(best.method, 'weekday_ewma')
)

select
    format_date('%Y-%m', month_start) as month,
    scope,
    scope_name,
    origin_date,
    days_left_count as days_left,
    stands_as as method,
    method as based_on,
    spent_usd,
    if(days_left_count = 0, spent_usd, cast(round(sure_usd + open_usd, 2) as numeric)) as forecast_usd,
    if(
        days_left_count = 0, spent_usd,
        cast(round(sure_usd + greatest(open_usd - half_usd, least(open_usd, 0)), 2) as numeric)
    ) as low_usd,
    if(days_left_count = 0, spent_usd, cast(round(sure_usd + open_usd + half_usd, 2) as numeric)) as high_usd,
    if(days_left_count = 0, null, interval_basis) as interval_basis,
    actual_usd
from forecasts
