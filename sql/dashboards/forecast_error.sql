-- The error of past months' forecasts by days left, and that of the naive run rate.
select
    horizon,
    trials,
    mape_ratio,
    naive_mape_ratio,
    interval_coverage_ratio
from ai_usage_analytics.forecast_backtest
where
    scope = 'all'
    and method = 'chosen'
    and horizon != 'all'
