-- The limits by which forecast_beats_naive evaluates the errors of past forecasts, each with its reason. The file of
-- AI_USAGE_THRESHOLDS can replace them.
--
-- grain: one row
-- question: Which limits does the back-test use?
-- example: select least_months_count, least_coverage_ratio, most_coverage_ratio from
--   ai_usage_analytics.backtest_thresholds
-- built: view
-- group: forecast
-- columns:
--   least_trials_count integer not null: fewer forecasts come from one or two months, which may be exceptions
--   least_months_count integer not null: all forecasts of one month have the same outcome: with fewer months, one
--     Christmas decides the coverage
--   least_coverage_ratio numeric not null: the target coverage is 80 % of the totals; intervals that hold less than
--     this are too narrow to rely on
--   most_coverage_ratio numeric not null: intervals that hold more than this are too wide to be of use
--   exact_ratio numeric not null: the interval of a forecast with an error as small as this may hold everything: with
--     seats only, each month is known in advance
with own as (
    select
        max(if(threshold = 'least_trials_count', value, null)) as least_trials_count,
        max(if(threshold = 'least_months_count', value, null)) as least_months_count,
        max(if(threshold = 'least_coverage_ratio', value, null)) as least_coverage_ratio,
        max(if(threshold = 'most_coverage_ratio', value, null)) as most_coverage_ratio,
        max(if(threshold = 'exact_ratio', value, null)) as exact_ratio
    from ai_usage_analytics.threshold_overrides
    where subject = 'backtest'
)

select
    coalesce(cast(own.least_trials_count as int64), 60) as least_trials_count,
    coalesce(cast(own.least_months_count as int64), 12) as least_months_count,
    coalesce(own.least_coverage_ratio, cast('0.7' as numeric)) as least_coverage_ratio,
    coalesce(own.most_coverage_ratio, cast('0.9' as numeric)) as most_coverage_ratio,
    coalesce(own.exact_ratio, cast('0.01' as numeric)) as exact_ratio
from own
