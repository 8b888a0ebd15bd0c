-- Days, or snapshots (without a day), of an account with a newest version that is not in raw as it was pulled: another
-- number of records or another hash than its row in ai_usage_raw.pulls has, or that row itself is missing or there
-- twice. Records are hashed as in the ledger: in any order, except a sheet's rows, and joined by NUL. The gate of the
-- marts uses @with_hashes false: records that were altered in place are reported, but hashing costs too much there.
-- `raw/*` stands for the raw tables of @pulls, see `warehouse.ledger_check`.
with newest as (
    select
        pull,
        account,
        activity_date,
        records,
        content_hash,
        records_pull_id
    from ai_usage_raw.pulls
    where
        pull in unnest(@pulls)
        and (activity_date between @first_day and @last_day or activity_date is null)
    qualify row_number() over (
        partition by pull, account, activity_date order by pulled_at desc, pull_id desc
    ) = 1
),

commits as (
    select
        pull,
        pull_id,
        count(*) as commits
    from ai_usage_raw.pulls
    where
        pull in unnest(@pulls)
        and (activity_date between @first_day and @last_day or activity_date is null)
    group by pull, pull_id
),

stored as (
    select
        pull,
        pull_id,
        activity_date,
        position,
        record
    from `raw/*`
    where activity_date between @first_day and @last_day or activity_date is null
),

standing as (
    select
        newest.pull,
        newest.account,
        newest.activity_date,
        count(*) as records,
        to_hex(sha256(string_agg(
            if(@with_hashes, stored.record, null),
            '\x00' order by
                if(@with_hashes and starts_with(newest.pull, 'sheet_'), stored.position, 0),
                if(@with_hashes, stored.record, null)
        ))) as content_hash
    from newest
    inner join stored
        on
            newest.pull = stored.pull
            and newest.records_pull_id = stored.pull_id
            and coalesce(newest.activity_date, date '1970-01-01') = coalesce(stored.activity_date, date '1970-01-01')
    group by newest.pull, newest.account, newest.activity_date
)

select
    newest.activity_date,
    newest.pull,
    newest.account,
    newest.records,
    coalesce(standing.records, 0) as records_standing,
    coalesce(commits.commits, 0) as commits
from newest
left join standing
    on
        newest.pull = standing.pull
        and newest.account = standing.account
        and coalesce(newest.activity_date, date '1970-01-01') = coalesce(standing.activity_date, date '1970-01-01')
left join commits on newest.pull = commits.pull and newest.records_pull_id = commits.pull_id
where
    newest.records != coalesce(standing.records, 0)
    or (@with_hashes and newest.content_hash != coalesce(standing.content_hash, to_hex(sha256(''))))
    or coalesce(commits.commits, 0) != 1
order by newest.activity_date, newest.pull, newest.account
