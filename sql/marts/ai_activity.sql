-- What people did with each tool, to compare with its cost. Members who did nothing may have a row that is not active.
-- Providers count different things: a column is null where a tool's provider does not report it, never 0. Each
-- provider's rows are built separately: a day that its gate blocks keeps that provider's last good rows.
--
-- grain: one person's use of one tool on one UTC day
-- question: Who used which tool on which day, and what did they accept?
-- example: select activity_date, tool, user_email, sessions, lines_accepted from ai_usage_analytics.ai_activity
--   where is_active and activity_date >= '2026-11-01' order by activity_date, tool, user_email
-- built: daily by activity_date, each provider apart
-- group: activity
-- cluster: tool, user_email
-- columns:
--   activity_date date not null: the UTC day
--   user_email string: the person, by one address, lower-case; null for API keys, and where the provider names no
--     person
--   team_name string: the person's; null without one
--   tool string not null: a platform, as in dim_platform
--   provider string not null: of the tool, as in dim_provider
--   is_active boolean not null: whether the person did anything
--   sessions integer: of a coding agent
--   requests integer: messages in a chat, events of an editor
--   suggestions integer: edits offered, and accepted or rejected
--   suggestions_accepted integer: of these, accepted
--   acceptance_ratio numeric: accepted edits divided by offered ones, 0 to 1; null where none was offered
--   lines_added integer: by the tool; an editor that does not separate them counts everyone's
--   lines_accepted integer: of these, suggested by the tool and accepted
--   commits integer: made by the tool, or with lines of it
--   pull_requests integer: made by the tool
--   tokens integer: of all kinds
with done as (
    select
        activities.activity_date,
        coalesce(people.person_email, activities.user_email) as user_email,
        people.team_name,
        activities.tool,
        activities.provider,
        activities.is_active,
        activities.sessions,
        activities.requests,
        activities.suggestions,
        activities.suggestions_accepted,
        activities.lines_added,
        activities.lines_accepted,
        activities.commits,
        activities.pull_requests,
        activities.tokens
    from `providers/*/activity` as activities
    left join ai_usage_analytics.dim_person as people on activities.user_email = people.user_email
    where activities.activity_date between @first_day and @last_day
)

select
    activity_date,
    user_email,
    team_name,
    tool,
    provider,
    logical_or(is_active) as is_active,
    sum(sessions) as sessions,
    sum(requests) as requests,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted,
    cast(round(
        safe_divide(cast(sum(suggestions_accepted) as float64), cast(sum(suggestions) as float64)), 6
    ) as numeric) as acceptance_ratio,
    sum(lines_added) as lines_added,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests,
    sum(tokens) as tokens
from done
group by activity_date, user_email, team_name, tool, provider
