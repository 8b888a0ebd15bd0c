-- Which months can be closed, what keeps the others open, and the difference between the provider's cost lines and its
-- console.
select
    month,
    provider,
    status,
    coalesce(status_reason, '') as status_reason,
    vendor_usd,
    figure_usd,
    difference_usd,
    unexplained_usd,
    days_missing
from ai_usage_analytics.month_close
