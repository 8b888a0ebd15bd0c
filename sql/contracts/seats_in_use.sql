-- What `sql/providers/<provider>/seats_in_use.sql` selects: the members' seats as of the last day known, and one row
-- for all unassigned seats; seat_use documents each column. A provider that does not list the members of its seats has
-- no such file.
select
    cast(null as string) as account,
    cast(null as string) as user_email,
    cast(null as string) as team_name,
    cast(null as string) as plan_name,
    cast(null as numeric) as seat_price_usd,
    cast(null as date) as as_of_date,
    cast(null as date) as last_active_date,
    cast(null as int64) as days_known,
    cast(null as int64) as days_active,
    cast(null as bool) as is_idle,
    cast(null as string) as idle_exemption,
    cast(null as bool) as is_exempt,
    cast(null as bool) as is_assigned,
    cast(null as int64) as seats,
    cast(null as numeric) as saving_usd
from (select 1 as nothing) as no_rows
where false
