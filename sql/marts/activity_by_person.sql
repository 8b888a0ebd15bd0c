-- What each person did with each tool in each calendar month: the sums of ai_activity that dashboards read.
-- A column is null where a tool's provider does not report it.
--
-- grain: one person's use of one tool in one calendar month in which the tool was used at all
-- question: How much did each person use each tool in a month?
-- example: select user_email, tool, days_active, lines_accepted, commits from ai_usage_analytics.activity_by_person
--   where month = '2026-11' order by days_active desc
-- built: monthly by month_start
-- group: activity
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   tool string not null: a platform, as in dim_platform
--   provider string not null: the tool's provider
--   is_coding_tool boolean not null: as in dim_platform
--   user_email string: the person, lower-case; null for API keys, and where the provider names no person
--   team_name string: as in ai_activity; null without one
--   days_active integer not null: UTC days on which the person was active
--   sessions integer: of a coding agent
--   requests integer: messages in a chat, events of an editor
--   suggestions integer: edits offered, and accepted or rejected
--   suggestions_accepted integer: of these, accepted
--   lines_added integer: as in ai_activity
--   lines_accepted integer: of these, suggested by the tool and accepted
--   commits integer: made by the tool, or with lines of it
--   pull_requests integer: made by the tool
--   tokens integer: of all kinds
with sums as (
    select
        cast(date_trunc(activity_date, month) as date) as month_start,
        tool,
        provider,
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
    group by month_start, tool, provider, user_email, team_name
)

select
    sums.month_start,
    format_date('%Y-%m', sums.month_start) as month,
    sums.tool,
    sums.provider,
    coalesce(tools.is_coding_tool, false) as is_coding_tool,
    sums.user_email,
    sums.team_name,
    sums.days_active,
    sums.sessions,
    sums.requests,
    sums.suggestions,
    sums.suggestions_accepted,
    sums.lines_added,
    sums.lines_accepted,
    sums.commits,
    sums.pull_requests,
    sums.tokens
from sums
left join ai_usage_analytics.dim_platform as tools on sums.tool = tools.platform
where
    sums.days_active > 0
    or coalesce(sums.commits, 0) > 0
