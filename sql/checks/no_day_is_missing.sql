-- Days on which a report was never pulled: not even an empty answer stands in the ledger.
with days as (
    select activity_date
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
),

reports as (
    select pull
    from unnest(@pulls) as pull
),

pulled as (
    select distinct
        pull,
        activity_date
    from ai_usage_raw.pulls
    where activity_date between @first_day and @last_day
)

select
    days.activity_date,
    reports.pull as never_pulled
from days
cross join reports
left join pulled on reports.pull = pulled.pull and days.activity_date = pulled.activity_date
where pulled.pull is null
order by days.activity_date, never_pulled
