-- What of a day's spending is not as usual, dearest first; keys before the persons, models and teams they are part of.
select
    spend_date as activity_date,
    alert_key,
    kind,
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
    case scope when 'api_key' then 1 when 'person' then 2 when 'team' then 3 when 'provider' then 4 else 5 end,
    excess_usd desc,
    alert_key asc
