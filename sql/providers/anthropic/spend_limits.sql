-- Anthropic's rows of limit_use: each effective limit of a Claude Enterprise organization. Only monthly limits exist.
select
    account,
    if(user_id is null, 'account', 'person') as scope,
    user_email,
    'month' as period,
    cast(date_trunc(date(ingestion_timestamp), month) as date) as period_start,
    limit_usd,
    is_unlimited,
    used_usd,
    ingestion_timestamp as as_of_at
from ai_usage_analytics.claude_spend_limits
