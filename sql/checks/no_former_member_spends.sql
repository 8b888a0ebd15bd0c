-- Spend of former members' keys and accounts in the last thirty days, if they still spent in the last three (a weekend
-- is two). One row for each key or account.
with newest as (
    select max(spend_date) as as_of_date
    from ai_usage_analytics.spend_by_scope
    where is_complete
)

select
    max(found.alert_key) as alert_key,
    found.scope,
    found.scope_name,
    max(found.label) as label,
    max(found.contributors) as of_whom,
    sum(found.spent_usd) as spent_usd,
    max(found.spend_date) as last_spent_on
from ai_usage_analytics.spend_anomalies as found
cross join newest
where
    found.kind = 'departed_member'
    and found.spend_date > date_sub(newest.as_of_date, interval 30 day)
group by found.scope, found.scope_name, newest.as_of_date
having max(found.spend_date) > date_sub(newest.as_of_date, interval 3 day)
order by spent_usd desc, alert_key asc
