-- Who has a seat, when the member last used it, what idle seats cost, and how many seats have no member. A seat is idle
-- if its member was active on none of the last 28 days, of which at least 20 are known for the member: a holiday is
-- shorter, a new member has fewer. It is under-used if the member was active on some of them, but on fewer than one a
-- week. Members who are on leave or new are exempt. Includes only providers that list the members of their seats.
--
-- grain: one member's paid seat in one account, as of the last day known, and one of a provider's unassigned seats
-- question: Which paid seats are idle or unassigned, and what would be saved?
-- example: select provider, user_email, plan_name, last_active_date, saving_usd from ai_usage_analytics.seat_use
--   where is_idle or not is_assigned order by saving_usd desc
-- built: whole
-- group: activity
-- columns:
--   provider string not null: as in dim_provider
--   account string: the account of the member's team, as in ai_spend; null on the row of the unassigned seats
--   user_email string: the member, lower-case; null on the row of the unassigned seats
--   team_name string: the member's; null without one, and for unassigned seats
--   plan_name string: the seat's plan; null without one, and if several plans are purchased
--   seat_price_usd numeric: price of one seat for a calendar month; null where it is not known
--   as_of_date date not null: the last day for which the provider sent the members of every configured account
--   last_active_date date: the last known day on which the member was active; null without one
--   days_known integer not null: known days of the last 28; 0 for unassigned seats
--   days_active integer not null: those of them on which the member was active
--   is_idle boolean not null: a member's seat that was used on none of at least 20 days, without an exemption
--   is_under_used boolean not null: used on 1 to 3 of the days known, of which there are at least 20, without an
--     exemption; seat_thresholds has the limit
--   idle_exemption string: on_leave or new: why an unused seat is not idle; null for others
--   is_exempt boolean not null: whether the member is on leave or new, and so neither idle nor under-used
--   is_assigned boolean not null: false on the row of the unassigned seats, which has no person
--   seats integer not null: 1; on the row of unassigned seats their number
--   saving_usd numeric: the monthly price of an idle seat, or of all unassigned ones; null for others, and without a
--     price
select
    seats.provider,
    seats.account,
    seats.user_email,
    seats.team_name,
    seats.plan_name,
    seats.seat_price_usd,
    seats.as_of_date,
    seats.last_active_date,
    seats.days_known,
    seats.days_active,
    seats.is_idle,
    seats.days_active between 1 and thresholds.under_used_days - 1 and seats.days_known >= 20 and not seats.is_exempt
        as is_under_used,
    seats.idle_exemption,
    seats.is_exempt,
    seats.is_assigned,
    seats.seats,
    seats.saving_usd
from `providers/*/seats_in_use` as seats
cross join ai_usage_analytics.seat_thresholds as thresholds
