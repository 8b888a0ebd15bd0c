-- The error of the published forecasts over all past months, and that of the naive run rate. One row, if there is a
-- past month.
select
    trials,
    mape_ratio,
    naive_mape_ratio,
    bias_ratio,
    interval_coverage_ratio
from ai_usage_analytics.forecast_backtest
where
    scope = 'all'
    and horizon = 'all'
    and method = 'chosen'
