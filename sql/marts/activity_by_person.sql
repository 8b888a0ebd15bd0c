-- What each person did with each tool in each calendar month: the sums of ai_activity that dashboards are cut by.
-- A column is null where a tool does not tell it.
--
-- grain: one person's use of one tool in one calendar month in which the tool was used at all
-- built: monthly by month_start
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   tool string not null: claude_code, claude.ai or cursor
--   user_email string: the person, lower-case; null for API keys, and where the vendor names nobody
--   team_name string: as in ai_activity; null without one
--   days_active integer not null: UTC days on which anything was done
--   sessions integer: of Claude Code
--   requests integer: messages in claude.ai, events in Cursor
--   suggestions integer: edits offered, and accepted or rejected
--   suggestions_accepted integer: of these, accepted
--   lines_added integer: Claude Code: by it; Cursor: by whomever, in the editor
--   lines_accepted integer: of these, suggested by the tool and accepted
--   commits integer: made by Claude Code, or with lines of Cursor
--   pull_requests integer: made by Claude Code
--   tokens integer: of all kinds
with sums as (
    select
        cast(date_trunc(activity_date, month) as date) as month_start,
        tool,
        user_email,
        team_name,
        countif(is_active) as days_active,
        sum(sessions) as sessions,
        sum(requests) as requests,
        sum(suggestions) as suggestions,
        sum(suggestions_accepted) as suggestions_accepted,
        sum(lines_added) as lines_added,
        sum(lines_accepted) as lines_accepted,
        sum(commits) as commits,
        sum(pull_requests) as pull_requests,
        sum(tokens) as tokens
    from ai_usage_analytics.ai_activity
    where activity_date between @first_day and @last_day
    group by month_start, tool, user_email, team_name
)

select
    month_start,
    format_date('%Y-%m', month_start) as month,
    tool,
    user_email,
    team_name,
    days_active,
    sessions,
    requests,
    suggestions,
    suggestions_accepted,
    lines_added,
    lines_accepted,
    commits,
    pull_requests,
    tokens
from sums
where
    days_active > 0
    or coalesce(commits, 0) > 0
