-- What each day comes to at its provider: usage by the provider's own lines, and seats beside. The amounts that a
-- console or an invoice is reconciled with.
--
-- grain: one provider's UTC day that was ever asked about
-- built: view
-- columns:
--   provider string not null: anthropic or cursor
--   activity_date date not null: the UTC day
--   usage_usd numeric not null: Claude's Console, and what Cursor charged on demand
--   seats_usd numeric not null: the day's share of seats; 0 while no price is known
--   final_on date not null: the first day on which asking again makes the day final
--   settled_at instant: when it was asked about late enough for the first time; null while it is provisional
with billed as (
    select
        'anthropic' as provider,
        expense_date as activity_date,
        sum(cost_usd) as usd
    from ai_usage_analytics.claude_total_expenses
    group by expense_date
    union all
    select
        'cursor' as provider,
        expense_date as activity_date,
        sum(billed_usd) as usd
    from ai_usage_analytics.cursor_expenses
    where cost_type != 'subscription'
    group by expense_date
)

select
    days.provider,
    days.activity_date,
    coalesce(billed.usd, cast(0 as numeric)) as usage_usd,
    coalesce(scopes.seats_usd, cast(0 as numeric)) as seats_usd,
    days.final_on,
    days.settled_at
from ai_usage_analytics.settled_days as days
left join billed on days.provider = billed.provider and days.activity_date = billed.activity_date
left join ai_usage_analytics.spend_by_scope as scopes
    on
        days.provider = scopes.scope_name
        and days.activity_date = scopes.spend_date
        and scopes.scope = 'provider'
