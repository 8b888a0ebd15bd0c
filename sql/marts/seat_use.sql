-- Who has a seat, when they last used it, what the idle ones cost, and how many seats no member has. A seat is idle if
-- its member was active on none of the last 28 days, of which at least 20 are known of them: a holiday is shorter, a
-- newcomer has fewer. Whoever is on leave, or new, is exempt. Only of providers that list who has a seat.
--
-- grain: one member's paid seat, as of the last day known, and one row of all unassigned seats of a provider
-- built: whole
-- columns:
--   provider string not null: as in dim_provider
--   user_email string: the member, lower-case; null on the row of the unassigned seats
--   team_name string: the member's; null without one, and of unassigned seats
--   plan_name string: of the seat; null without one, and where several plans are purchased
--   seat_price_usd numeric: of one seat, a calendar month; null where it is not known
--   as_of_date date not null: the last day that the provider sent members of
--   last_active_date date: null where no day is known on which the member was active
--   days_known integer not null: of the last 28 days; 0 of unassigned seats
--   days_active integer not null: of those
--   is_idle boolean not null: a member's seat that was used on none of at least 20 days, without an exemption
--   idle_exemption string: on_leave or new, why a seat that was not used is not idle; null of others
--   is_assigned boolean not null: false on the row of the unassigned seats, which is no person
--   seats integer not null: 1; of unassigned ones how many
--   saving_usd numeric: the month's price of an idle seat, or of all unassigned ones; null of others, and without a
--     price
select
    provider,
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
