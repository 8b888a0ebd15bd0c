-- Cursor's rows of limit_use: each member's limit of usage on top of the seat in the billing cycle: the effective one,
-- else the member's own, else the monthly one. Cursor sends no word for "unlimited": without any, it is not known.
select
    account,
    'person' as scope,
    user_email,
    'billing_cycle' as period,
    date(cycle_start_at) as period_start,
    coalesce(effective_limit_usd, nullif(hard_limit_override_usd, 0), monthly_limit_usd) as limit_usd,
    false as is_unlimited,
    spend_usd as used_usd,
    ingestion_timestamp as as_of_at
from ai_usage_analytics.cursor_spend_limits
