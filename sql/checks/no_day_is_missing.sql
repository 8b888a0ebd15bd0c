-- Days on which a report was never pulled (the ledger has not even an empty answer), or on which core does not have the
-- newest version with one row for each usable record. A day that was pulled but not built is missing too, whether core
-- has nothing or an older version. An optional report is expected of an account from its first day with the report
-- on.
with days as (
    select activity_date
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
),

reports as (
    select
        pull,
        pull in unnest(@optional_pulls) as is_optional
    from unnest(@pulls) as pull
),

-- An account is pulled from its first day to its last one: no day before it was added or after it was removed is
-- missing.
accounts as (
    select
        account,
        min(activity_date) as first_day,
        max(activity_date) as last_day
    from ai_usage_raw.pulls
    where pull in unnest(@pulls)
    group by account
),

covered as (
    select
        days.activity_date,
        accounts.account
    from days
    inner join accounts
        on
            days.activity_date >= accounts.first_day
            and days.activity_date <= accounts.last_day
),

optional as (
    select
        pull,
        account,
        min(activity_date) as first_day
    from ai_usage_raw.pulls
    where pull in unnest(@optional_pulls)
    group by pull, account
),

expected as (
    select
        days.activity_date,
        reports.pull,
        covered.account
    from days
    cross join reports
    left join covered on days.activity_date = covered.activity_date
    left join optional on reports.pull = optional.pull and covered.account = optional.account
    where
        not reports.is_optional
        or days.activity_date >= optional.first_day
),

newest as (
    select
        pull,
        account,
        activity_date,
        records,
        records_pull_id
    from ai_usage_raw.pulls
    where activity_date between @first_day and @last_day
    qualify row_number() over (
        partition by pull, account, activity_date order by pulled_at desc, pull_id desc
    ) = 1
),

rejected as (
    select
        pull,
        account,
        activity_date,
        pull_id,
        count(*) as records
    from ai_usage_analytics.record_rejections
    where activity_date between @first_day and @last_day
    group by pull, account, activity_date, pull_id
),

core_rows as (
    select
        pull,
        account,
        activity_date,
        pull_id
    from `providers/*/core_rows`
),

built as (
    select
        core_rows.pull,
        core_rows.account,
        core_rows.activity_date,
        countif(core_rows.pull_id = newest.records_pull_id) as rows_in_core,
        countif(core_rows.pull_id != newest.records_pull_id) as rows_of_older_versions
    from core_rows
    inner join newest
        on
            core_rows.pull = newest.pull
            and core_rows.account = newest.account
            and core_rows.activity_date = newest.activity_date
    group by core_rows.pull, core_rows.account, core_rows.activity_date
)

select
    expected.activity_date,
    expected.pull,
    expected.account,
    newest.records,
    coalesce(rejected.records, 0) as rejected_records,
    coalesce(built.rows_in_core, 0) as rows_in_core,
    coalesce(built.rows_of_older_versions, 0) as rows_of_older_versions
from expected
left join newest
    on
        expected.pull = newest.pull
        and expected.account = newest.account
        and expected.activity_date = newest.activity_date
left join built
    on
        expected.pull = built.pull
        and expected.account = built.account
        and expected.activity_date = built.activity_date
left join rejected
    on
        newest.pull = rejected.pull
        and newest.account = rejected.account
        and newest.activity_date = rejected.activity_date
        and newest.records_pull_id = rejected.pull_id
where
    newest.pull is null
    or newest.records - coalesce(rejected.records, 0) != coalesce(built.rows_in_core, 0)
    or coalesce(built.rows_of_older_versions, 0) > 0
order by expected.activity_date, expected.pull, expected.account
