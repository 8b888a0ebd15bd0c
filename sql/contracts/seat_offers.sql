-- What `sql/providers/<provider>/seat_offers.sql` selects: the ways in which a person can have the provider's product.
--   option_name: the plan, or the name for usage without a seat
--   is_seat: false without a seat: legal only for people who need none
--   seat_price_usd: for a calendar month; 0 without a seat, null where it is not known
--   included_usd: use of a month at list price that costs nothing on top; 0 without a seat, null where it is not known
--   assumption: what the row assumes, and where its figures come from
select
    cast(null as string) as option_name,
    cast(null as bool) as is_seat,
    cast(null as numeric) as seat_price_usd,
    cast(null as numeric) as included_usd,
    cast(null as string) as assumption
from (select 1 as nothing) as no_rows
where false
