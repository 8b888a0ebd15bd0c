-- Spend anomalies: one row for each that is reported once. Spend of a former member is reported once a month, on its
-- last day.
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
