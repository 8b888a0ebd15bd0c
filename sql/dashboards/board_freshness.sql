-- Not a card: the freshness that each number shows, by provider, unless its own card has it.
select
    provider,
    data_through,
    as_of,
    provisional_from
from ai_usage_analytics.spend_freshness
