-- Days with too many Cursor events: an event of another day (the provider's bounds are inclusive, so that an adjacent
-- window may return it again), rows of more than one version of the day, or more rows than the newest version has
-- records. Equal events in one answer are real: they happened that often.
with events as (
    select
        activity_date,
        account,
        pull_id,
        charged_usd,
        date(event_at) as event_date
    from ai_usage_analytics.cursor_usage_events
    where activity_date between @first_day and @last_day
),

newest as (
    select
        activity_date,
        account,
        records
    from ai_usage_raw.pulls
    where
        pull = 'cursor_usage_events'
        and activity_date between @first_day and @last_day
    qualify row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) = 1
),

days as (
    select
        activity_date,
        account,
        count(*) as events,
        count(distinct pull_id) as versions,
        countif(event_date != activity_date) as of_another_day,
        sum(charged_usd) as charged_usd
    from events
    group by activity_date, account
)

select
    days.activity_date,
    days.account,
    days.events,
    newest.records,
    days.versions,
    days.of_another_day,
    days.charged_usd
from days
left join newest on days.activity_date = newest.activity_date and days.account = newest.account
where
    days.of_another_day > 0
    or days.versions > 1
    or days.events > coalesce(newest.records, 0)
order by days.activity_date, days.account
