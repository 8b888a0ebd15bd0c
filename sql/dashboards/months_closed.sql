-- Which months are closed or can be closed, what keeps the others open, the difference between the provider's cost
-- lines and its console, and what changed since the close.
select
    month,
    provider,
    status,
    coalesce(status_reason, '') as status_reason,
    vendor_usd,
    figure_usd,
    difference_usd,
    unexplained_usd,
    days_missing,
    days_blocked,
    invoice_usd,
    changed_since_close_usd
from ai_usage_analytics.month_close
