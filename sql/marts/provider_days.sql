-- Each day's billed cost at its provider: usage, and seats in a separate column. These amounts are reconciled with
-- a console or an invoice.
--
-- grain: one provider's UTC day that was ever pulled
-- step of: month_close
-- built: view
-- group: quality
-- columns:
--   provider string not null: as in dim_provider
--   activity_date date not null: the UTC day
--   usage_usd numeric not null: what was billed for usage, credits included
--   seats_usd numeric not null: the day's share of seats; 0 while no price is known
--   final_on date not null: the first day on which a pull makes the day final
--   settled_at instant: when it was first pulled late enough; null while it is provisional
--   is_blocked boolean not null: whether the day lacks the newest pull of the bill: it is blocked, and has its last
--     good version, or nothing
with newest as (
    select
        provider,
        activity_date,
        sum(billed_usd) as billed_usd
    from ai_usage_analytics.spend_versions
    where known_to is null
    group by provider, activity_date
),

rejected as (
    select distinct
        providers.provider,
        rejections.activity_date
    from ai_usage_analytics.record_rejections as rejections
    inner join ai_usage_analytics.dim_provider as providers on rejections.pull = providers.billing_pull
    where rejections.activity_date is not null
)

select
    days.provider,
    days.activity_date,
    coalesce(scopes.usage_usd, cast(0 as numeric)) as usage_usd,
    coalesce(scopes.seats_usd, cast(0 as numeric)) as seats_usd,
    days.final_on,
    days.settled_at,
    rejected.provider is not null
    or coalesce(
        abs(newest.billed_usd - coalesce(scopes.usage_usd, cast(0 as numeric))) > thresholds.ledger_usd, false
    ) as is_blocked
from ai_usage_analytics.settled_days as days
cross join ai_usage_analytics.close_thresholds as thresholds
left join newest on days.provider = newest.provider and days.activity_date = newest.activity_date
left join rejected on days.provider = rejected.provider and days.activity_date = rejected.activity_date
left join ai_usage_analytics.spend_by_scope as scopes
    on
        days.provider = scopes.scope_name
        and days.activity_date = scopes.spend_date
        and scopes.scope = 'provider'
