-- A provider's days in spend_versions, to compare with each day's amount: the newest version's amount, gaps
-- between versions, versions that are still open, and versions of the provider's bill, the pull @bill, that the ledger
-- has and no row records. A day with a rejected record in its newest version is not included.
with pulled as (
    select
        activity_date,
        account,
        pull_id
    from ai_usage_raw.pulls
    where
        pull = @bill
        and pull_id = records_pull_id
        and activity_date between @first_day and @last_day
),

newest as (
    select
        pull,
        activity_date,
        records_pull_id
    from ai_usage_raw.pulls
    where
        pull = @bill
        and activity_date between @first_day and @last_day
    qualify row_number() over (partition by account, activity_date order by pulled_at desc, pull_id desc) = 1
),

unreadable as (
    select distinct rejections.activity_date
    from ai_usage_analytics.record_rejections as rejections
    inner join newest
        on
            rejections.pull = newest.pull
            and rejections.activity_date = newest.activity_date
            and rejections.pull_id = newest.records_pull_id
),

ordered as (
    select
        activity_date,
        pull_id,
        billed_usd,
        known_to,
        account,
        row_number() over (partition by account, activity_date order by known_from desc, pull_id desc) as age,
        lead(known_from) over (partition by account, activity_date order by known_from asc, pull_id asc) as next_from
    from ai_usage_analytics.spend_versions
    where
        provider = @provider
        and activity_date between @first_day and @last_day
),

versions as (
    select
        activity_date,
        account,
        count(*) as versions,
        max(if(age = 1, billed_usd, null)) as newest_usd,
        countif(known_to is null) as open_versions,
        countif(age > 1 and (known_to is null or known_to != next_from)) as gaps
    from ordered
    group by activity_date, account
),

unrecorded as (
    select
        pulled.activity_date,
        pulled.account,
        countif(ordered.pull_id is null) as versions
    from pulled
    left join ordered
        on
            pulled.activity_date = ordered.activity_date
            and pulled.account = ordered.account
            and pulled.pull_id = ordered.pull_id
    group by pulled.activity_date, pulled.account
)

select
    unrecorded.activity_date,
    unrecorded.account,
    versions.newest_usd,
    coalesce(versions.versions, 0) as versions,
    coalesce(versions.open_versions, 0) as open_versions,
    coalesce(versions.gaps, 0) as gaps,
    unrecorded.versions as unrecorded_versions
from unrecorded
left join versions
    on
        unrecorded.activity_date = versions.activity_date
        and unrecorded.account = versions.account
left join unreadable on unrecorded.activity_date = unreadable.activity_date
where unreadable.activity_date is null
order by unrecorded.activity_date, unrecorded.account
