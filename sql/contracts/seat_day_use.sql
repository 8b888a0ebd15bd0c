-- What `sql/providers/<provider>/seat_day_use.sql` selects: each person's use on each known day of the last weeks, days
-- without use included. A provider with use that cannot be priced by person has no such file.
--   account: the account that bills the person's seat; null where seats have no account
--   user_email: the person, lower-case
--   team_name: the person's; null without one
--   activity_date: a UTC day on which the person's use is known
--   as_of_date: the last known day of the provider
--   used_usd: what the day's use costs at list price, included or billed; 0 without use, null where it has no price
--   is_seat_needed: whether something was used on the day that needs a seat
--   current_option: how the person has the product as of as_of_date: an option_name of seat_offers; null if not known
select
    cast(null as string) as account,
    cast(null as string) as user_email,
    cast(null as string) as team_name,
    cast(null as date) as activity_date,
    cast(null as date) as as_of_date,
    cast(null as numeric) as used_usd,
    cast(null as bool) as is_seat_needed,
    cast(null as string) as current_option
from (select 1 as nothing) as no_rows
where false
