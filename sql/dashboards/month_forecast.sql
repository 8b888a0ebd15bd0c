-- The forecast for the current month, all providers together.
select
    month,
    spent_usd,
    forecast_usd,
    low_usd,
    high_usd,
    days_left
from ai_usage_analytics.spend_forecast
where scope = 'total'
