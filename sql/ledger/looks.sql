-- For each account, the newest version of each day of a pull from @first_day to @last_day, or of its snapshot if both
-- are null: its place in the order of versions, pulled_at, and when its request began.
with ranked as (
    select
        account,
        activity_date,
        pulled_at,
        coalesce(asked_at, pulled_at) as asked_at,
        row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) as age
    from ai_usage_raw.pulls
    where
        pull = @pull
        and if(
            @first_day is null, activity_date is null, activity_date between @first_day and @last_day
        )
)

select
    account,
    activity_date,
    pulled_at,
    asked_at
from ranked
where age = 1
