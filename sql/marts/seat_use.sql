-- Who has a seat, when the member last used it, what idle seats cost, and how many seats have no member. A seat is idle
-- if its member was active on none of the last 28 days, of which at least 20 are known for the member: a holiday is
-- shorter, a new member has fewer. Members who are on leave or new are exempt. Includes only providers that list the
-- members of their seats.
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
--   idle_exemption string: on_leave or new: why an unused seat is not idle; null for others
--   is_assigned boolean not null: false on the row of the unassigned seats, which has no person
--   seats integer not null: 1; on the row of unassigned seats their number
--   saving_usd numeric: the monthly price of an idle seat, or of all unassigned ones; null for others, and without a
--     price
select
    provider,
    account,
    user_email,
    team_name,
    plan_name,
    seat_price_usd,
    as_of_date,
    last_active_date,
    days_known,
    days_active,
    is_idle,
    idle_exemption,
    is_assigned,
    seats,
    saving_usd
from `providers/*/seats_in_use`
