-- Every restatement: the restated day, its old and new amount, and when it changed.
select
    activity_date,
    provider,
    revised_at,
    old_usd,
    new_usd,
    change_usd
from ai_usage_analytics.spend_revisions
