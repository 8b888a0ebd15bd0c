-- Which months can be closed, and what is still between the vendor's lines and its console.
select
    month,
    provider,
    status,
    vendor_usd,
    figure_usd,
    difference_usd,
    unexplained_usd,
    days_missing
from ai_usage_analytics.month_close
