-- What each team did with each tool in each week: trends that a calendar month is too coarse for.
--
-- grain: one team's use of one tool in one week, Monday to Sunday
-- built: whole
-- columns:
--   week_start date not null: the Monday, a UTC date
--   tool string not null: claude_code, claude.ai or cursor
--   team_name string: as in ai_activity; null without one
--   person_days integer not null: days on which somebody did anything, added up over persons
--   sessions integer: of Claude Code
--   requests integer: messages in claude.ai, events in Cursor
--   suggestions integer: edits offered, and accepted or rejected
--   suggestions_accepted integer: of these, accepted
--   lines_accepted integer: lines suggested by the tool and accepted
--   commits integer: made by Claude Code, or with lines of Cursor
--   pull_requests integer: made by Claude Code
select
    cast(date_trunc(activity_date, isoweek) as date) as week_start,
    tool,
    team_name,
    countif(is_active) as person_days,
    sum(sessions) as sessions,
    sum(requests) as requests,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests
from ai_usage_analytics.ai_activity
group by week_start, tool, team_name
