-- Of the people who began with any tool in a month, how many used one again in each month after it.
with months as (
    select
        user_email,
        month_start,
        max(team_name) as team
    from ai_usage_analytics.activity_by_person
    where
        user_email is not null
        and days_active > 0
    group by user_email, month_start
),

beginnings as (
    select
        user_email,
        min(month_start) as cohort_start,
        max(team) as team
    from months
    group by user_email
),

calendar as (
    select distinct month_start from months
),

expected as (
    select
        beginnings.user_email,
        beginnings.team,
        beginnings.cohort_start,
        calendar.month_start
    from beginnings
    inner join calendar on beginnings.cohort_start <= calendar.month_start
)

select
    format_date('%Y-%m', expected.cohort_start) as cohort,
    date_diff(expected.month_start, expected.cohort_start, month) as months_after,
    coalesce(expected.team, 'no team') as team_name,
    count(*) as people_begun,
    countif(months.user_email is not null) as people_active
from expected
left join months
    on
        expected.user_email = months.user_email
        and expected.month_start = months.month_start
group by cohort, months_after, team_name
