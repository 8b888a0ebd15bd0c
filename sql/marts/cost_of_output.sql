-- What each person was billed for a coding tool in a month beside what came of it. Output that nobody bills by use, as
-- of Claude Code on a seat, has no amount here, and money that is nobody's has no output: neither can be divided.
--
-- grain: one person with one coding tool in one calendar month
-- built: monthly by month_start
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   tool string not null: claude_code or cursor
--   user_email string not null: the person, lower-case
--   team_name string: the person's in that month; null without one
--   billed_usd numeric: what is billed under the person's name, Cursor's seat included; null where nothing is
--   list_usd numeric: the same at list price; null where the vendor does not tell
--   days_active integer not null: UTC days on which the tool was used
--   sessions integer not null: of Claude Code
--   suggestions integer not null: edits offered, and accepted or rejected
--   suggestions_accepted integer not null: of these, accepted
--   lines_accepted integer not null: lines suggested by the tool and accepted
--   commits integer not null: made by Claude Code, or with lines of Cursor
--   pull_requests integer not null: made by Claude Code
--   is_provisional boolean not null: whether the vendor may still revise the amount
with paid as (
    select
        month_start,
        platform as tool,
        user_email,
        max(team_name) as team_name,
        sum(billed_usd) as billed_usd,
        sum(list_usd) as list_usd,
        logical_or(is_provisional) as is_provisional
    from ai_usage_analytics.spend_by_person
    where
        month_start between @first_day and @last_day
        and platform in ('claude_code', 'cursor')
        and user_email is not null
        and billed_usd is not null
    group by month_start, platform, user_email
),

done as (
    select
        month_start,
        tool,
        user_email,
        max(team_name) as team_name,
        sum(days_active) as days_active,
        sum(sessions) as sessions,
        sum(suggestions) as suggestions,
        sum(suggestions_accepted) as suggestions_accepted,
        sum(lines_accepted) as lines_accepted,
        sum(commits) as commits,
        sum(pull_requests) as pull_requests
    from ai_usage_analytics.activity_by_person
    where
        month_start between @first_day and @last_day
        and tool in ('claude_code', 'cursor')
        and user_email is not null
    group by month_start, tool, user_email
)

select
    coalesce(done.month_start, paid.month_start) as month_start,
    format_date('%Y-%m', coalesce(done.month_start, paid.month_start)) as month,
    coalesce(done.tool, paid.tool) as tool,
    coalesce(done.user_email, paid.user_email) as user_email,
    coalesce(done.team_name, paid.team_name) as team_name,
    paid.billed_usd,
    paid.list_usd,
    coalesce(done.days_active, 0) as days_active,
    coalesce(done.sessions, 0) as sessions,
    coalesce(done.suggestions, 0) as suggestions,
    coalesce(done.suggestions_accepted, 0) as suggestions_accepted,
    coalesce(done.lines_accepted, 0) as lines_accepted,
    coalesce(done.commits, 0) as commits,
    coalesce(done.pull_requests, 0) as pull_requests,
    coalesce(paid.is_provisional, false) as is_provisional
from done
full outer join paid
    on
        done.month_start = paid.month_start
        and done.tool = paid.tool
        and done.user_email = paid.user_email
