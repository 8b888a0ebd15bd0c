-- No card: what stands under every number that does not tell it itself, by provider.
select
    provider,
    data_through,
    as_of,
    provisional_from
from ai_usage_analytics.spend_freshness
