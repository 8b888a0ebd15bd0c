-- The sum of each person's chargeable events of a billing cycle, up to a day: those surely settled at an instant, and
-- those of the hour before `figure_at`, which may or may not be in a figure of that instant.
select
    user_email,
    count(*) as events,
    sum(if(event_at <= @settled_until, charged_usd, 0)) as settled_usd,
    sum(if(event_at <= @settled_until, 0, charged_usd)) as settling_usd
from ai_usage_analytics.cursor_usage_events
where
    activity_date between @first_day and @last_day
    and event_at >= @cycle_start
    and event_at <= @figure_at
    and is_chargeable
    and service_account_id is null
group by user_email
