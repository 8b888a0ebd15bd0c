-- Days whose money and recorded versions disagree: a total that the newest version does not have, versions with gaps
-- between them, more or fewer than one that is still open; and days of which the ledger has versions that are recorded
-- nowhere. A day whose newest version has a record that cannot be used is not judged: records_are_readable names it.
with built as (
    select
        activity_date,
        sum(amount_usd) as usd
    from ai_usage_analytics.claude_costs
    where
        @provider = 'anthropic'
        and activity_date between @first_day and @last_day
    group by activity_date
    union all
    select
        activity_date,
        sum(charged_usd) as usd
    from ai_usage_analytics.cursor_usage_events
    where
        @provider = 'cursor'
        and is_chargeable
        and activity_date between @first_day and @last_day
    group by activity_date
),

said as (
    select
        activity_date,
        pull_id
    from ai_usage_raw.pulls
    where
        pull = if(@provider = 'anthropic', 'claude_cost_report', 'cursor_usage_events')
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
        pull = if(@provider = 'anthropic', 'claude_cost_report', 'cursor_usage_events')
        and activity_date between @first_day and @last_day
    qualify row_number() over (partition by activity_date order by pulled_at desc, pull_id desc) = 1
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
        row_number() over (partition by activity_date order by known_from desc, pull_id desc) as age,
        lead(known_from) over (partition by activity_date order by known_from asc, pull_id asc) as next_from
    from ai_usage_analytics.spend_versions
    where
        provider = @provider
        and activity_date between @first_day and @last_day
),

versions as (
    select
        activity_date,
        count(*) as versions,
        max(if(age = 1, billed_usd, null)) as newest_usd,
        countif(known_to is null) as open_versions,
        countif(age > 1 and (known_to is null or known_to != next_from)) as gaps
    from ordered
    group by activity_date
),

unrecorded as (
    select
        said.activity_date,
        countif(ordered.pull_id is null) as versions
    from said
    left join ordered on said.activity_date = ordered.activity_date and said.pull_id = ordered.pull_id
    group by said.activity_date
)

select
    unrecorded.activity_date,
    coalesce(built.usd, cast(0 as numeric)) as built_usd,
    versions.newest_usd,
    coalesce(built.usd, cast(0 as numeric)) - versions.newest_usd as difference_usd,
    coalesce(versions.versions, 0) as versions,
    coalesce(versions.open_versions, 0) as open_versions,
    coalesce(versions.gaps, 0) as gaps,
    unrecorded.versions as unrecorded_versions
from unrecorded
left join built on unrecorded.activity_date = built.activity_date
left join versions on unrecorded.activity_date = versions.activity_date
left join unreadable on unrecorded.activity_date = unreadable.activity_date
where
    unreadable.activity_date is null
    and (
        versions.newest_usd is null
        or coalesce(built.usd, cast(0 as numeric)) != versions.newest_usd
        or versions.open_versions != 1
        or versions.gaps > 0
        or unrecorded.versions > 0
    )
order by unrecorded.activity_date
