-- What each team did with each tool on each day, for trends within a month.
--
-- grain: one team's use of one tool on one UTC day
-- question: How active was each team on each day?
-- example: select activity_date, team_name, tool, people_active, suggestions_accepted from
--   ai_usage_analytics.activity_by_team order by activity_date, team_name, tool
-- built: daily by activity_date
-- group: activity
-- columns:
--   activity_date date not null: the UTC day
--   tool string not null: a platform, as in dim_platform
--   provider string not null: the tool's provider
--   team_name string: as in ai_activity; null without one
--   people_active integer not null: people and keys that were active
--   sessions integer: of a coding agent
--   requests integer: messages in a chat, events of an editor
--   suggestions integer: edits offered, and accepted or rejected
--   suggestions_accepted integer: of these, accepted
--   lines_accepted integer: lines suggested by the tool and accepted
--   commits integer: made by the tool, or with lines of it
--   pull_requests integer: made by the tool
select
    activity_date,
    tool,
    provider,
    team_name,
    countif(is_active) as people_active,
    sum(sessions) as sessions,
    sum(requests) as requests,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests
from ai_usage_analytics.ai_activity
where activity_date between @first_day and @last_day
group by activity_date, tool, provider, team_name
