-- How many people used a tool: on a day, and in the week and the four weeks that end with it. A person counts once
-- within a row, and once for each tool; `any` counts each person once. Teams are today's and add up. A row counts days
-- up to its own day: rebuilding one day does not rebuild the rows of the four weeks after it.
--
-- grain: one tool, or any, in one team on one UTC day with any known activity
-- question: How many people were active on a day, in 7 days and in 28 days?
-- example: select activity_date, sum(people_day) as daily, sum(people_week) as weekly, sum(people_month) as monthly
--   from ai_usage_analytics.active_people where tool = 'any' group by activity_date order by activity_date
-- built: daily by activity_date
-- group: activity
-- columns:
--   activity_date date not null: the UTC day
--   tool string not null: a platform, as in dim_platform; any
--   team_name string not null: as the sheet has it today; `no team`
--   people_day integer not null: people who were active on the day
--   people_week integer: people who were active on any of the 7 days up to it; null while fewer are known
--   people_month integer: people who were active on any of the 28 days up to it; null while fewer are known
with active as (
    select
        activity.activity_date,
        activity.user_email,
        activity.tool,
        coalesce(people.team_name, 'no team') as team_name
    from ai_usage_analytics.ai_activity as activity
    left join ai_usage_analytics.dim_person as people on activity.user_email = people.user_email
    where
        activity.activity_date between date_sub(@first_day, interval 27 day) and @last_day
        and activity.is_active
        and activity.user_email is not null
    group by activity.activity_date, activity.user_email, activity.tool, people.team_name
),

used as (
    select
        activity_date,
        user_email,
        tool,
        team_name
    from active
    union all
    select distinct
        activity_date,
        user_email,
        'any' as tool,
        team_name
    from active
),

-- Use on a day counts for 7 or 28 days: only the begin and end of each period without a gap count.
stretches as (
    select
        activity_date,
        tool,
        team_name,
        date_diff(
            activity_date,
            lag(activity_date) over (partition by user_email, tool, team_name order by activity_date), day
        ) as days_since,
        date_diff(
            lead(activity_date) over (partition by user_email, tool, team_name order by activity_date),
            activity_date, day
        ) as days_until
    from used
),

changes as (
    select
        activity_date,
        tool,
        team_name,
        count(*) as people_day,
        countif(coalesce(days_since, 28) >= 7) as people_week,
        countif(coalesce(days_since, 28) >= 28) as people_month
    from stretches
    group by activity_date, tool, team_name
    union all
    select
        cast(date_add(activity_date, interval 7 day) as date) as activity_date,
        tool,
        team_name,
        0 as people_day,
        -count(*) as people_week,
        0 as people_month
    from stretches
    where coalesce(days_until, 28) >= 7
    group by activity_date, tool, team_name
    union all
    select
        cast(date_add(activity_date, interval 28 day) as date) as activity_date,
        tool,
        team_name,
        0 as people_day,
        0 as people_week,
        -count(*) as people_month
    from stretches
    where coalesce(days_until, 28) >= 28
    group by activity_date, tool, team_name
),

calendar as (
    select distinct activity_date from ai_usage_analytics.ai_activity
    where activity_date between @first_day and @last_day
),

beginning as (
    select min(activity_date) as first_day from ai_usage_analytics.ai_activity
),

kinds as (
    select distinct
        tool,
        team_name
    from used
),

lines as (
    select
        activity_date,
        tool,
        team_name,
        people_day,
        people_week,
        people_month
    from changes
    union all
    select
        calendar.activity_date,
        kinds.tool,
        kinds.team_name,
        0 as people_day,
        0 as people_week,
        0 as people_month
    from calendar
    cross join kinds
),

by_date as (
    select
        activity_date,
        tool,
        team_name,
        sum(people_day) as people_day,
        sum(people_week) as people_week,
        sum(people_month) as people_month
    from lines
    group by activity_date, tool, team_name
),

totals as (
    select
        activity_date,
        tool,
        team_name,
        people_day,
        sum(people_week) over (partition by tool, team_name order by activity_date) as people_week,
        sum(people_month) over (partition by tool, team_name order by activity_date) as people_month
    from by_date
)

select
    totals.activity_date,
    totals.tool,
    totals.team_name,
    totals.people_day,
    if(date_diff(totals.activity_date, beginning.first_day, day) >= 6, totals.people_week, null) as people_week,
    if(date_diff(totals.activity_date, beginning.first_day, day) >= 27, totals.people_month, null) as people_month
from totals
inner join calendar on totals.activity_date = calendar.activity_date
cross join beginning
