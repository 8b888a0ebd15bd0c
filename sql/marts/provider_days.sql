-- Each day's billed cost at its provider: usage, and seats in a column of their own. These amounts are reconciled with
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
select
    days.provider,
    days.activity_date,
    coalesce(scopes.usage_usd, cast(0 as numeric)) as usage_usd,
    coalesce(scopes.seats_usd, cast(0 as numeric)) as seats_usd,
    days.final_on,
    days.settled_at
from ai_usage_analytics.settled_days as days
left join ai_usage_analytics.spend_by_scope as scopes
    on
        days.provider = scopes.scope_name
        and days.activity_date = scopes.spend_date
        and scopes.scope = 'provider'
