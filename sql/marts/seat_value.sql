-- Seat or pay-as-you-go, person by person: what the seat cost in a month, and what the use it included would have cost
-- without it, at list price. Of Cursor these are the seat's own price and the tokens of its included events. Of Claude
-- no API tells who has which seat: the price is the mean of all seats of the month, the use Claude Code's by the
-- vendor's own estimate, and only who used that stands here. Chat in claude.ai has no price by use and is not counted.
--
-- grain: one person with a seat of one provider in one calendar month
-- built: monthly by month_start
-- columns:
--   month_start date not null: the first UTC day of the month
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
        cast(date_trunc(spend_date, month) as date) as month_start,
        count(*) as days_known
    from ai_usage_analytics.spend_by_scope
    where
        spend_date between @first_day and @last_day
        and scope = 'provider'
        and scope_name = 'anthropic'
        and seats_usd > 0
    group by month_start
),

claude_seats as (
    select
        spend.month_start,
        cast(sum(spend.billed_usd) as float64) * max(bought.days_known)
        / cast(sum(spend.quantity) as float64) as seat_usd
    from ai_usage_analytics.spend_by_meter as spend
    inner join bought on spend.month_start = bought.month_start
    where
        spend.provider = 'anthropic'
        and spend.meter = 'seat'
    group by spend.month_start
    having sum(spend.quantity) > 0
),

claude_use as (
    select
        month_start,
        user_email,
        max(team_name) as team_name,
        sum(estimated_usd) as worth_usd
    from ai_usage_analytics.spend_by_person
    where
        month_start between @first_day and @last_day
        and platform = 'claude_code'
        and user_email is not null
        and estimated_usd is not null
    group by month_start, user_email
),

cursor_seats as (
    select
        month_start,
        user_email,
        max(team_name) as team_name,
        sum(billed_usd) as seat_usd
    from ai_usage_analytics.spend_by_person
    where
        month_start between @first_day and @last_day
        and provider = 'cursor'
        and charge_type = 'subscription'
        and user_email is not null
        and billed_usd is not null
    group by month_start, user_email
),

cursor_use as (
    select
        cast(date_trunc(activity_date, month) as date) as month_start,
        user_email,
        sum(list_usd) as worth_usd
    from ai_usage_analytics.cursor_included_use
    where activity_date between @first_day and @last_day
    group by month_start, user_email
)

select
    claude_use.month_start,
    format_date('%Y-%m', claude_use.month_start) as month,
    'anthropic' as provider,
    claude_use.user_email,
    claude_use.team_name,
    cast(round(claude_seats.seat_usd, 2) as numeric) as seat_usd,
    claude_use.worth_usd,
    'mean_seat' as seat_basis,
    'vendor_estimate' as worth_basis
from claude_use
inner join claude_seats on claude_use.month_start = claude_seats.month_start
union all
select
    cursor_seats.month_start,
    format_date('%Y-%m', cursor_seats.month_start) as month,
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
        cursor_seats.month_start = cursor_use.month_start
        and cursor_seats.user_email = cursor_use.user_email
