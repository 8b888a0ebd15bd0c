-- Rejected records of the newest answer to each day's pull, by field and reason. Rejections of older answers do not
-- count.
with newest as (
    select
        pull,
        account,
        activity_date,
        records_pull_id
    from ai_usage_raw.pulls
    where
        pull in unnest(@pulls)
        and activity_date between @first_day and @last_day
    qualify row_number() over (
        partition by pull, account, activity_date order by pulled_at desc, pull_id desc
    ) = 1
)

select
    rejections.activity_date,
    rejections.account,
    rejections.pull,
    rejections.field,
    rejections.reason,
    count(*) as records,
    min(rejections.position) as first_position
from ai_usage_analytics.record_rejections as rejections
inner join newest
    on
        rejections.pull = newest.pull
        and rejections.account = newest.account
        and rejections.activity_date = newest.activity_date
        and rejections.pull_id = newest.records_pull_id
where rejections.activity_date between @first_day and @last_day
group by rejections.activity_date, rejections.account, rejections.pull, rejections.field, rejections.reason
order by
    rejections.activity_date asc, rejections.pull asc, records desc, rejections.field asc, rejections.reason asc,
    rejections.account asc
