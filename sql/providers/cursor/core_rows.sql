-- The rows of Cursor's core tables that stand for one record each.
select
    'cursor_usage_events' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.cursor_usage_events
where activity_date between @first_day and @last_day
union all
select
    'cursor_daily_usage' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.cursor_usage_stats
where activity_date between @first_day and @last_day
