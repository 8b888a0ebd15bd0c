-- A seat compared with usage-based pricing, for each person: what the seat cost in a month, and what its included use
-- would have cost without it, at list price or by the provider's own estimate. If no API lists who has which seat, the
-- price is the mean of the month's seats. Use without a price is not counted.
--
-- grain: one person with a seat of one provider in one calendar month
-- question: Which seats cost more than the same usage would cost at list price?
-- example: select month, provider, user_email, seat_usd, worth_usd from ai_usage_analytics.seat_value where
--   worth_usd < seat_usd order by month, seat_usd - worth_usd desc
-- built: monthly by month_start
-- group: spend
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider
--   user_email string not null: the person, lower-case
--   team_name string: the person's; null without one
--   seat_usd numeric not null: cost of the seat over the month's known days
--   worth_usd numeric not null: what the included use would have cost
--   seat_basis string not null: own_seat or mean_seat
--   worth_basis string not null: list_price or vendor_estimate
select
    month_start,
    format_date('%Y-%m', month_start) as month,
    provider,
    user_email,
    team_name,
    seat_usd,
    worth_usd,
    seat_basis,
    worth_basis
from `providers/*/seat_values`
where month_start between @first_day and @last_day
