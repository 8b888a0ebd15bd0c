-- A day's spend anomalies, largest first; keys before the models, persons and teams that they are part of.
select
    spend_date as activity_date,
    alert_key,
    kind,
    is_repeat,
    scope,
    scope_name,
    label,
    provider,
    spent_usd,
    expected_usd,
    excess_usd,
    contributors
from ai_usage_analytics.spend_anomalies
where
    spend_date between @first_day and @last_day
    and kind != 'departed_member'
order by
    activity_date asc,
    scope asc,
    excess_usd desc,
    alert_key asc
