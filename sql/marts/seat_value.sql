-- Seat or pay-as-you-go, person by person: what the seat cost in a month, and what the use it included would have cost
-- without it, at list price. Of Cursor these are the seat's own price and the tokens of its included events. Of Claude
-- no API tells who has which seat: the price is the mean of all seats of the month, the use Claude Code's by the
-- vendor's own estimate, and only who used that stands here. Chat in claude.ai has no price by use and is not counted.
--
-- grain: one person with a seat of one provider in one calendar month
-- built: whole
-- columns:
--   month string not null: YYYY-MM
--   provider string not null: anthropic or cursor
--   user_email string not null: the person, lower-case
--   team_name string: the person's; null without one
--   seat_usd numeric not null: what the seat cost over the month's days that are known
--   worth_usd numeric not null: what the included use would have cost
--   seat_basis string not null: own_seat or mean_seat
--   worth_basis string not null: list_price or vendor_estimate
with bought as (
    select
        format_date('%Y-%m', spend_date) as month,
        count(*) as days_known
    from ai_usage_analytics.spend_by_scope
    where
        scope = 'provider'
        and scope_name = 'anthropic'
        and seats_usd > 0
    group by month
),

claude_seats as (
    select
        spend.month,
        cast(sum(spend.billed_usd) as float64) * max(bought.days_known)
        / cast(sum(spend.quantity) as float64) as seat_usd
    from ai_usage_analytics.spend_by_meter as spend
    inner join bought on spend.month = bought.month
    where
        spend.provider = 'anthropic'
        and spend.meter = 'seat'
    group by spend.month
    having sum(spend.quantity) > 0
),

claude_use as (
    select
        month,
        user_email,
        max(team_name) as team_name,
        sum(estimated_usd) as worth_usd
    from ai_usage_analytics.spend_by_person
    where
        platform = 'claude_code'
        and user_email is not null
        and estimated_usd is not null
    group by month, user_email
),

cursor_seats as (
    select
        month,
        user_email,
        max(team_name) as team_name,
        sum(billed_usd) as seat_usd
    from ai_usage_analytics.spend_by_person
    where
        provider = 'cursor'
        and charge_type = 'subscription'
        and user_email is not null
        and billed_usd is not null
    group by month, user_email
),

cursor_use as (
    select
        format_date('%Y-%m', activity_date) as month,
        user_email,
        sum(list_usd) as worth_usd
    from ai_usage_analytics.cursor_included_use
    group by month, user_email
)

select
    claude_use.month,
    'anthropic' as provider,
    claude_use.user_email,
    claude_use.team_name,
    cast(round(claude_seats.seat_usd, 2) as numeric) as seat_usd,
    claude_use.worth_usd,
    'mean_seat' as seat_basis,
    'vendor_estimate' as worth_basis
from claude_use
inner join claude_seats on claude_use.month = claude_seats.month
union all
select
    cursor_seats.month,
    'cursor' as provider,
    cursor_seats.user_email,
    cursor_seats.team_name,
    cursor_seats.seat_usd,
    coalesce(cursor_use.worth_usd, cast(0 as numeric)) as worth_usd,
    'own_seat' as seat_basis,
    'list_price' as worth_basis
from cursor_seats
left join cursor_use
    on
        cursor_seats.month = cursor_use.month
        and cursor_seats.user_email = cursor_use.user_email
