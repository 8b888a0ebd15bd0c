-- Each person's billed cost of a coding tool in a month, and the output. Output without usage-based or seat cost of the
-- person has no amount here, and unattributed cost has no output: neither gives a unit cost.
--
-- grain: one person with one coding tool in one calendar month
-- question: What does a commit or an accepted line cost, by person and team?
-- example: select team_name, tool, sum(billed_usd) / nullif(sum(commits), 0) as usd_per_commit from
--   ai_usage_analytics.cost_of_output where month = '2026-11' group by team_name, tool order by team_name, tool
-- built: monthly by month_start
-- group: spend
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   tool string not null: a coding tool of dim_platform
--   provider string not null: the tool's provider
--   user_email string not null: the person, lower-case
--   team_name string: the person's in that month; null without one
--   billed_usd numeric: billed cost attributed to the person, the tool's seat included; null if there is none
--   list_usd numeric: the same at list price; null where the provider does not report it
--   days_active integer not null: UTC days on which the tool was used
--   sessions integer not null: of a coding agent
--   suggestions integer not null: edits offered, and accepted or rejected
--   suggestions_accepted integer not null: of these, accepted
--   lines_accepted integer not null: lines suggested by the tool and accepted
--   commits integer not null: made by the tool, or with lines of it
--   pull_requests integer not null: made by the tool
--   is_provisional boolean not null: whether the provider may still restate the amount
with paid as (
    select
        spend.month_start,
        spend.platform as tool,
        tools.provider,
        spend.user_email,
        max(spend.team_name) as team_name,
        sum(spend.billed_usd) as billed_usd,
        sum(spend.list_usd) as list_usd,
        logical_or(spend.is_provisional) as is_provisional
    from ai_usage_analytics.spend_by_person as spend
    inner join ai_usage_analytics.dim_platform as tools on spend.platform = tools.platform
    where
        spend.month_start between @first_day and @last_day
        and tools.is_coding_tool
        and spend.user_email is not null
        and spend.billed_usd is not null
    group by spend.month_start, spend.platform, tools.provider, spend.user_email
),

done as (
    select
        month_start,
        tool,
        provider,
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
        and is_coding_tool
        and user_email is not null
    group by month_start, tool, provider, user_email
)

select
    coalesce(done.month_start, paid.month_start) as month_start,
    format_date('%Y-%m', coalesce(done.month_start, paid.month_start)) as month,
    coalesce(done.tool, paid.tool) as tool,
    coalesce(done.provider, paid.provider) as provider,
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
