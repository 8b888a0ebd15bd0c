-- Every restatement: which day became another amount, and when.
select
    activity_date,
    provider,
    revised_at,
    old_usd,
    new_usd,
    change_usd
from ai_usage_analytics.spend_revisions
