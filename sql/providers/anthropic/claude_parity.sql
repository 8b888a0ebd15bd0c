-- The cost report and the newer analytics report the same cost: where they differ, by how much and why.
-- Each cause takes what the ones before it leave, so that all of them add up exactly to the difference.
-- `unexplained_usd` is the rest.
--
-- grain: one UTC day of an account with a pulled cost report
-- question: Why do Claude's cost report and its analytics differ?
-- example: select activity_date, account, difference_usd, restatement_usd, priority_tier_usd, unexplained_usd from
--   ai_usage_analytics.claude_parity where difference_usd != 0 order by activity_date
-- built: daily by activity_date
-- group: claude
-- blocked by: anthropic
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   has_analytics boolean not null: whether analytics were ever pulled for the day
--   data_refreshed_at instant: up to when the provider had counted in the last analytics; null if not reported
--   cost_report_usd numeric not null: the lines of the cost report
--   analytics_usd numeric: all rows of analytics/cost; null, as is each amount below, if never pulled
--   difference_usd numeric: analytics less cost report
--   outside_console_usd numeric: of products outside the Console, as claude.ai, which the cost report leaves out
--   priority_tier_usd numeric: of Priority Tier, which the cost report leaves out too, as in claude_priority_costs
--   restatement_usd numeric: the cost report was restated after analytics were last asked, and the new amount is the
--     one farther from theirs
--   not_settled_usd numeric: the rest, if the provider had not counted the day until 24 hours after its end
--   rounding_usd numeric: the rest, if it is within 1e-9 a row of both sides
--   unexplained_usd numeric: the rest
with newest as (
    select
        pull,
        account,
        activity_date,
        pulled_at,
        timestamp(json_value(envelope, '$.data_refreshed_at')) as data_refreshed_at
    from ai_usage_raw.pulls
    where
        pull in ('claude_cost_report', 'claude_analytics_cost')
        and activity_date between @first_day and @last_day
    qualify row_number() over (
        partition by pull, account, activity_date order by pulled_at desc, pull_id desc
    ) = 1
),

-- Only an account that has a cost report can be compared with it.
looks as (
    select
        newest.pull,
        newest.account,
        newest.activity_date,
        newest.pulled_at,
        newest.data_refreshed_at
    from newest
    inner join newest as reports
        on
            newest.account = reports.account
            and newest.activity_date = reports.activity_date
    where reports.pull = 'claude_cost_report'
),

sums as (
    select
        activity_date,
        account,
        sum(cost_report_usd) as cost_report_usd,
        sum(analytics_usd) as analytics_usd,
        sum(if(is_in_console, cast(0 as numeric), analytics_usd)) as outside_console_usd,
        cast(count(*) as numeric) * cast('0.000000001' as numeric) as rounded_usd
    from ai_usage_analytics.claude_report_sides
    where activity_date between @first_day and @last_day
    group by activity_date, account
),

priority as (
    select
        activity_date,
        account,
        sum(priority_tier_usd) as priority_tier_usd
    from ai_usage_analytics.claude_priority_costs
    where activity_date between @first_day and @last_day
    group by activity_date, account
),

known as (
    select
        activity_date,
        account,
        billed_usd,
        known_from,
        known_to,
        min(known_from) over (partition by account, activity_date) as first_known_from
    from ai_usage_analytics.spend_versions
    where
        provider = 'anthropic'
        and activity_date between @first_day and @last_day
),

-- The cost report as of the last pull of analytics, or its first version if that was later; minus the report now.
restated as (
    select
        known.activity_date,
        known.account,
        sum(
            if(
                known.known_from <= greatest(looks.pulled_at, known.first_known_from)
                and (known.known_to is null or known.known_to > greatest(looks.pulled_at, known.first_known_from)),
                known.billed_usd, null
            )
        ) - sum(if(known.known_to is null, known.billed_usd, null)) as since_usd
    from known
    inner join looks
        on
            known.activity_date = looks.activity_date
            and known.account = looks.account
    where looks.pull = 'claude_analytics_cost'
    group by known.activity_date, known.account
),

days as (
    select
        asked.activity_date,
        asked.account,
        analytics.pulled_at is not null as has_analytics,
        analytics.data_refreshed_at,
        coalesce(analytics.data_refreshed_at, analytics.pulled_at)
        < timestamp(date_add(asked.activity_date, interval 2 day)) as is_settling,
        coalesce(sums.cost_report_usd, cast(0 as numeric)) as cost_report_usd,
        if(analytics.pulled_at is null, null, coalesce(sums.analytics_usd, cast(0 as numeric))) as analytics_usd,
        if(
            analytics.pulled_at is null, null, coalesce(sums.outside_console_usd, cast(0 as numeric))
        ) as outside_console_usd,
        if(
            analytics.pulled_at is null, null, coalesce(priority.priority_tier_usd, cast(0 as numeric))
        ) as priority_tier_usd,
        coalesce(restated.since_usd, cast(0 as numeric)) as since_usd,
        coalesce(sums.rounded_usd, cast(0 as numeric)) as rounded_usd
    from looks as asked
    left join looks as analytics
        on
            asked.activity_date = analytics.activity_date
            and asked.account = analytics.account
            and analytics.pull = 'claude_analytics_cost'
    left join sums on asked.activity_date = sums.activity_date and asked.account = sums.account
    left join priority on asked.activity_date = priority.activity_date and asked.account = priority.account
    left join restated on asked.activity_date = restated.activity_date and asked.account = restated.account
    where asked.pull = 'claude_cost_report'
),

compared as (
    select
        days.*,
        analytics_usd - cost_report_usd as difference_usd,
        analytics_usd - cost_report_usd - outside_console_usd - priority_tier_usd as left_usd
    from days
),

explained as (
    select
        compared.*,
        case
            when left_usd is null then null
            when abs(left_usd) > rounded_usd and abs(left_usd - since_usd) < abs(left_usd) then since_usd
            else cast(0 as numeric)
        end as restatement_usd
    from compared
),

remaining as (
    select
        explained.*,
        left_usd - restatement_usd as rest_usd,
        abs(left_usd - restatement_usd) <= rounded_usd as is_rounding
    from explained
)

select
    activity_date,
    account,
    has_analytics,
    data_refreshed_at,
    cost_report_usd,
    analytics_usd,
    difference_usd,
    outside_console_usd,
    priority_tier_usd,
    restatement_usd,
    if(is_settling and not is_rounding, rest_usd, rest_usd - rest_usd) as not_settled_usd,
    if(is_rounding, rest_usd, rest_usd - rest_usd) as rounding_usd,
    if(is_settling or is_rounding, rest_usd - rest_usd, rest_usd) as unexplained_usd
from remaining
