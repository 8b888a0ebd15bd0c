-- No card: the UTC days that are known, by provider. A card whose period has other days says how many are known; a day
-- that was never pulled is unknown, not $0.
select
    scope_name as provider,
    spend_date
from ai_usage_analytics.spend_by_scope
where
    scope = 'provider'
    and is_complete
