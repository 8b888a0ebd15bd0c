-- Rejected records of the newest snapshots of these pulls, by field and reason.
with newest as (
    select
        pull,
        account,
        records_pull_id
    from ai_usage_raw.pulls
    where
        pull in unnest(@pulls)
        and activity_date is null
    qualify row_number() over (partition by pull, account order by pulled_at desc, pull_id desc) = 1
)

select
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
        and rejections.pull_id = newest.records_pull_id
where rejections.activity_date is null
group by rejections.account, rejections.pull, rejections.field, rejections.reason
order by
    rejections.pull asc, records desc, rejections.field asc, rejections.reason asc, rejections.account asc
