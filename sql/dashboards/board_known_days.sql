-- Not a card: the UTC days that are known, by provider. A card shows how many days of its period are known: a day that
-- was never pulled is unknown, not $0.
select
    scope_name as provider,
    spend_date
from ai_usage_analytics.spend_by_scope
where
    scope = 'provider'
    and is_complete
