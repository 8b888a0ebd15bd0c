-- The last known day of each provider's bill, and when it was last pulled. Each month's close depends on both.
--
-- grain: one provider with a day that was ever pulled
-- step of: month_close
-- built: view
-- group: close
-- columns:
--   provider string not null: as in dim_provider
--   known_through date not null: the last day that was pulled
--   final_after_days integer not null: a pull this many days after a day makes it final, see settled_days
--   asked_on date: the last UTC day on which its bill was asked for
with days as (
    select
        provider,
        max(activity_date) as known_through,
        max(date_diff(final_on, activity_date, day)) as final_after_days
    from ai_usage_analytics.provider_days
    group by provider
),

looks as (
    select
        providers.provider,
        min(coalesce(pulls.asked_at, pulls.pulled_at)) over (
            partition by pulls.pull, pulls.account, pulls.activity_date
            order by pulls.pulled_at, pulls.pull_id
            rows between current row and unbounded following
        ) as asked_at -- no look was later than one that came after it
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
),

asked as (
    select
        provider,
        max(date(asked_at)) as asked_on
    from looks
    group by provider
)

select
    days.provider,
    days.known_through,
    days.final_after_days,
    asked.asked_on
from days
left join asked on days.provider = asked.provider
