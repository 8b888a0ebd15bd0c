-- The error of the published forecasts over all past months, and that of the naive run rate. By backtest_thresholds:
-- whether there are enough forecasts and months, and whether the coverage of the intervals is within its limits. One
-- row, if there is a past month.
select
    backtest.trials,
    backtest.months,
    backtest.mape_ratio,
    backtest.naive_mape_ratio,
    backtest.bias_ratio,
    backtest.interval_coverage_ratio,
    backtest.trials >= thresholds.least_trials_count as has_enough_trials,
    backtest.months >= thresholds.least_months_count as has_enough_months,
    backtest.interval_coverage_ratio >= thresholds.least_coverage_ratio
    and (
        backtest.interval_coverage_ratio <= thresholds.most_coverage_ratio
        or backtest.mape_ratio <= thresholds.exact_ratio
    ) as is_interval_right
from ai_usage_analytics.forecast_backtest as backtest
cross join ai_usage_analytics.backtest_thresholds as thresholds
where
    backtest.scope = 'all'
    and backtest.horizon = 'all'
    and backtest.method = 'chosen'
