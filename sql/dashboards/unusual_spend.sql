-- What was not as usual, by day, dearest first to be looked at.
select
    spend_date,
    kind,
    scope,
    label,
    coalesce(provider, 'several') as provider,
    coalesce(contributors, '') as contributors,
    spent_usd,
    expected_usd,
    excess_usd
from ai_usage_analytics.spend_anomalies
