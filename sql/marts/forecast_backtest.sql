-- The error of the forecasts of past months, by method and by the number of days left. `chosen` is the published
-- forecast: its method was chosen each month from the months before.
--
-- grain: one method at one range of days left, over all scopes or those of one kind
-- question: How wrong is each forecast method, and does its interval hold?
-- example: select method, horizon, trials, mape_ratio, interval_coverage_ratio from
--   ai_usage_analytics.forecast_backtest where scope = 'total' order by horizon, mape_ratio
-- built: whole
-- group: forecast
-- columns:
--   scope string not null: all (scopes together), total, provider, team or cost_center
--   method string not null: as in forecast_trials
--   horizon string not null: days left: 1-7, 8-14, 15-21, 22+, or all
--   trials integer not null: forecasts of past months that cost as much as forecast_thresholds.measured_usd
--   months integer not null: months of these forecasts
--   mape_ratio numeric not null: mean of |forecast - actual| / actual
--   naive_mape_ratio numeric not null: the same for naive_run_rate, over the same trials
--   bias_ratio numeric not null: mean of (forecast - actual) / actual: above 0 the forecasts were too high
--   interval_coverage_ratio numeric not null: share of trials with the actual between low_usd and high_usd; the target
--     is 0.8
with trials as (
    select
        past.scope,
        past.scope_name,
        past.month,
        past.origin_date,
        past.method,
        case
            when past.days_left <= 7 then '1-7'
            when past.days_left <= 14 then '8-14'
            when past.days_left <= 21 then '15-21'
            else '22+'
        end as horizon,
        cast(past.forecast_usd - past.actual_usd as float64) / cast(past.actual_usd as float64) as error_ratio,
        if(
            past.actual_usd between past.low_usd - thresholds.rounding_usd and past.high_usd + thresholds.rounding_usd,
            1, 0
        ) as is_held
    from ai_usage_analytics.forecast_trials as past
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    where
        past.days_left > 0
        and past.actual_usd >= thresholds.measured_usd
),

beside as (
    select
        trials.scope,
        trials.month,
        trials.method,
        trials.horizon,
        trials.error_ratio,
        trials.is_held,
        naive.error_ratio as naive_error_ratio
    from trials
    inner join trials as naive
        on
            trials.scope = naive.scope
            and trials.scope_name = naive.scope_name
            and trials.origin_date = naive.origin_date
    where naive.method = 'naive_run_rate'
),

spread as (
    select
        kind,
        beside.month,
        beside.method,
        distance,
        beside.error_ratio,
        beside.is_held,
        beside.naive_error_ratio
    from beside
    cross join unnest(if(beside.scope = 'cost_center', [beside.scope], ['all', beside.scope])) as kind
    cross join unnest(['all', beside.horizon]) as distance
)

select
    kind as scope,
    method,
    distance as horizon,
    count(*) as trials,
    count(distinct month) as months,
    cast(round(avg(abs(error_ratio)), 6) as numeric) as mape_ratio,
    cast(round(avg(abs(naive_error_ratio)), 6) as numeric) as naive_mape_ratio,
    cast(round(avg(error_ratio), 6) as numeric) as bias_ratio,
    cast(round(avg(is_held), 6) as numeric) as interval_coverage_ratio
from spread
group by kind, method, distance
