-- Days, or snapshots (without a day), whose newest version of an account does not stand in raw as it was pulled: fewer
-- or more records than its row in ai_usage_raw.pulls has, others than those it has the hash of, or that row itself gone
-- or there twice. Records are hashed as the ledger does it: in any order, but for a sheet's rows, and joined by NUL.
-- Which days reach the marts is asked @with_hashes false: what was altered in place is reported, but costs too much to
-- ask there.
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
        'claude_cost_report' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_cost_report
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_cost_totals' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_cost_totals
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_messages_usage' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_messages_usage
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_messages_usage_by_speed' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_messages_usage_by_speed
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_code_usage' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_code_usage
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_analytics_cost' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_analytics_cost
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_analytics_usage' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_analytics_usage
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_enterprise_users' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_enterprise_users
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_organization' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_organization
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_workspaces' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_workspaces
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_api_keys' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_api_keys
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_users' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_users
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_daily_usage' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_daily_usage
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_usage_events' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_usage_events
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_ai_commits' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_ai_commits
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_spend' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_spend
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_members' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_members
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_groups' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_groups
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'cursor_usage_events_today' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.cursor_usage_events_today
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_api_key_mapping' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_api_key_mapping
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_claude_ai_usage' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_claude_ai_usage
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_console_figures' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_console_figures
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_budgets' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_budgets
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_seats' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_seats
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_people' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_people
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'sheet_person_aliases' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.sheet_person_aliases
    where activity_date between @first_day and @last_day or activity_date is null
    union all
    select
        'claude_audit_log' as pull,
        pull_id,
        activity_date,
        position,
        record
    from ai_usage_raw.claude_audit_log
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
