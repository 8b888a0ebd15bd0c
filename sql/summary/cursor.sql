-- What was done in Cursor in the period: billed is what chargeable events cost; the rest is worth of included usage.
select
    count(distinct if(service_account_id is null, user_email, null)) as people,
    count(*) as events,
    sum(if(is_chargeable, charged_usd, 0)) as billed_usd,
    sum(if(is_chargeable, 0, charged_usd)) as included_value_usd
from ai_usage_analytics.cursor_usage_events
where activity_date between @first_day and @last_day
