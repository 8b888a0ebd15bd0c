-- The periods in which a provider, team, API key or model is in use: one ends with its last day of spend before 90 days
-- without any (anomaly_thresholds), and the next day of spend begins another. A key is new on the first day of a
-- period, and a day is compared only with days of its own period.
--
-- grain: one period of one series of usage_series
-- step of: spend_anomalies
-- built: whole
-- group: spend
-- columns:
--   scope string not null: provider, team, api_key or model
--   scope_name string not null: as in usage_series
--   provider string: null for teams
--   calendar string not null: as in usage_series
--   first_date date not null: its first day of spend
--   last_date date not null: its last day of spend so far
--   is_new boolean not null: whether days were known for two weeks before; if not, it may have begun earlier
with known as (
    select
        scope_name as calendar,
        min(spend_date) as known_since
    from ai_usage_analytics.spend_by_scope
    where
        scope in ('total', 'provider')
        and is_complete
    group by scope_name
),

gaps as (
    select
        scope,
        scope_name,
        provider,
        calendar,
        spend_date,
        lag(spend_date) over (partition by scope, scope_name, calendar order by spend_date) as spent_before
    from ai_usage_analytics.usage_series
),

numbered as (
    select
        gaps.scope,
        gaps.scope_name,
        gaps.provider,
        gaps.calendar,
        gaps.spend_date,
        thresholds.known_days,
        countif(date_diff(gaps.spend_date, gaps.spent_before, day) > thresholds.restart_days) over (
            partition by gaps.scope, gaps.scope_name, gaps.calendar
            order by gaps.spend_date
            rows between unbounded preceding and current row
        ) as period
    from gaps
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
)

select
    numbered.scope,
    numbered.scope_name,
    numbered.provider,
    numbered.calendar,
    min(numbered.spend_date) as first_date,
    max(numbered.spend_date) as last_date,
    date_diff(min(numbered.spend_date), min(known.known_since), day) >= max(numbered.known_days) as is_new
from numbered
inner join known on numbered.calendar = known.calendar
group by numbered.scope, numbered.scope_name, numbered.provider, numbered.calendar, numbered.period
