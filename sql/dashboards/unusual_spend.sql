-- What was not as usual: a row is what is told once. What a departed member spends is told by the month, and stands at
-- its last day.
select
    max(found.spend_date) as spend_date,
    found.kind,
    found.scope,
    found.label,
    coalesce(found.provider, 'several') as provider,
    coalesce(found.contributors, '') as contributors,
    sum(found.spent_usd) as spent_usd,
    sum(found.expected_usd) as expected_usd,
    sum(found.excess_usd) as excess_usd
from ai_usage_analytics.spend_anomalies as found
group by found.alert_key, found.kind, found.scope, found.label, found.provider, found.contributors
