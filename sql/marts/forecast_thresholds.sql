-- The constants of the forecast, each with its reason. docs/forecasting.md describes the methods, and
-- backtest_thresholds has the limits of its check.
--
-- grain: one row
-- question: Which limits does the forecast use?
-- example: select least_known_days, history_days, level_ratio from ai_usage_analytics.forecast_thresholds
-- built: view
-- group: forecast
-- columns:
--   least_known_days integer not null: with less than two weeks of days, no weekday is known twice
--   origin_every_days integer not null: past forecasts are made on every third day of a month: each day would cost
--     three times as much and show nothing else
--   mean_days integer not null: weekday_mean uses the last four weeks: fewer depend on one day, more lag behind growth
--   history_days integer not null: weekday_median and weekday_ewma use the last eight weeks
--   week_weight_ratio float not null: the weight of a week in weekday_ewma, compared with the week after it: it
--     follows growth, with an average age of ten days
--   outlier_deviations_ratio float not null: a day counts in weekday_ewma as at most so many mean deviations from its
--     weekday's median: a batch run is not repeated
--   measured_usd numeric not null: the error of a cheaper month is not measured: a cent would be a large part of it
--   rounding_usd numeric not null: an interval holds a total that lies outside by less: totals are compared in cents
--   error_months integer not null: intervals use the errors of the last twelve months: older ones are of another usage
--   prior_months integer not null: until there are errors of several months, an interval relies on the variation of
--     days: it counts as much as three months of errors, because all errors of one month have the same cause
--   held_tenths integer not null: of ten earlier forecasts, so many had an error within the interval's half width
--   least_forecasts_count integer not null: with fewer forecasts of earlier months, methods are not compared
--   advantage_ratio float not null: a method replaces weekday_ewma if its error is less than this part of it: a smaller
--     advantage is chance
--   normal_quantile_ratio float not null: 80 % of a normal distribution lie within so many standard deviations
--   level_ratio float not null: how much the level of spend usually moves until the month ends; see docs/forecasting.md
select
    14 as least_known_days,
    3 as origin_every_days,
    28 as mean_days,
    56 as history_days,
    0.6 as week_weight_ratio,
    4.0 as outlier_deviations_ratio,
    cast(1 as numeric) as measured_usd,
    cast('0.01' as numeric) as rounding_usd,
    12 as error_months,
    3 as prior_months,
    8 as held_tenths,
    8 as least_forecasts_count,
    0.9 as advantage_ratio,
    1.2816 as normal_quantile_ratio,
    0.1 as level_ratio
