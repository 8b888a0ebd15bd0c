-- Which days their providers may still restate: each does so for as many days as dim_provider has. A day is final once
-- each account that was asked about it has been asked again that much later. No look was later than one that came after
-- it: where the ledger has that, a clock was wrong.
--
-- grain: one provider's UTC day that was ever asked about
-- built: view
-- columns:
--   provider string not null: as in dim_provider
--   activity_date date not null: the UTC day
--   status string not null: provisional while the provider may still restate the day, then final
--   final_on date not null: the first UTC day on which asking about it makes it final
--   settled_at instant: when it was asked about late enough for the first time; null while it is provisional
--   settled_by string: that pull, by its pull_id
with asked as (
    select
        providers.provider,
        pulls.account,
        providers.final_after_days as days,
        pulls.activity_date,
        pulls.pull_id,
        min(coalesce(pulls.asked_at, pulls.pulled_at)) over (
            partition by pulls.pull, pulls.account, pulls.activity_date
            order by pulls.pulled_at, pulls.pull_id
            rows between current row and unbounded following
        ) as asked_at
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
    where pulls.activity_date is not null
),

looks as (
    select
        provider,
        account,
        activity_date,
        asked_at,
        pull_id,
        cast(date_add(activity_date, interval days day) as date) as final_on,
        date_diff(date(asked_at), activity_date, day) >= days as is_late_enough
    from asked
),

of_accounts as (
    select
        provider,
        account,
        activity_date,
        max(final_on) as final_on,
        logical_or(is_late_enough) as is_final,
        min(if(is_late_enough, asked_at, null)) as settled_at,
        min(if(is_late_enough, pull_id, null)) as settled_by
    from looks
    group by provider, account, activity_date
)

select
    provider,
    activity_date,
    if(logical_and(is_final), 'final', 'provisional') as status,
    max(final_on) as final_on,
    if(logical_and(is_final), max(settled_at), null) as settled_at,
    if(logical_and(is_final), max(settled_by), null) as settled_by
from of_accounts
group by provider, activity_date
