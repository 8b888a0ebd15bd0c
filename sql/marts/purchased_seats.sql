-- The seats of the sheet's tab `seats` on each day, with the day's share of their price, rounded so that a month adds
-- up to the price. Only days for which the provider was pulled are included: nothing is known about other days.
--
-- grain: one line of the sheet's seats on one UTC day
-- step of: ai_spend
-- built: view
-- group: spend
-- columns:
--   provider string not null: as in the sheet
--   activity_date date not null: a UTC day for which the provider was pulled
--   plan_name string: as in the sheet
--   seats integer: number of seats
--   billed_usd numeric: their cost on the day; null without a price
with bought as (
    select
        days.provider,
        days.activity_date,
        extract(day from days.activity_date) as day_of_month,
        extract(day from last_day(days.activity_date)) as days_in_month,
        seats.plan as plan_name,
        seats.seats,
        cast(seats.seat_price_usd * seats.seats * 1000000000 as int64) as nano_usd
    from ai_usage_analytics.settled_days as days
    inner join ai_usage_analytics.seats as seats
        on
            days.provider = seats.provider
            and (seats.valid_from is null or days.activity_date >= seats.valid_from)
            and (seats.valid_to is null or days.activity_date < seats.valid_to)
)

select
    provider,
    activity_date,
    plan_name,
    seats,
    cast(
        cast(
            div(nano_usd * day_of_month, days_in_month) - div(nano_usd * (day_of_month - 1), days_in_month) as numeric
        ) * cast('0.000000001' as numeric) as numeric
    ) as billed_usd
from bought
