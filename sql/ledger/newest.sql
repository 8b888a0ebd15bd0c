-- For each account, the newest version of each day of a pull from @first_day to @last_day, or of its snapshot if both
-- are null; as of the instant @as_of, if there is one. Equal answers are one version: pull_id and pulled_at are those
-- of the pull that brought its records.
with ranked as (
    select
        account,
        activity_date,
        records,
        records_pull_id,
        envelope,
        row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) as age
    from ai_usage_raw.pulls
    where
        pulls.pull = @pull
        and pulls.pulled_at <= coalesce(@as_of, pulled_at)
        and if(
            @first_day is null, activity_date is null, activity_date between @first_day and @last_day
        )
),

origins as (
    select
        pull_id,
        activity_date,
        pulled_at,
        content_hash
    from ai_usage_raw.pulls
    where pulls.pull = @pull
)

select
    ranked.account,
    ranked.activity_date,
    origins.pull_id,
    origins.pulled_at,
    ranked.records,
    ranked.envelope,
    origins.content_hash
from ranked
inner join origins
    on
        ranked.records_pull_id = origins.pull_id
        and ranked.activity_date is not distinct from origins.activity_date
where ranked.age = 1
order by ranked.activity_date, ranked.account
