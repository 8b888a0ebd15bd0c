-- What `sql/providers/<provider>/seat_values.sql` selects: what each person's seat cost in the months between
-- @first_day and @last_day, and what its included use would have cost. seat_value documents each column.
select
    cast(null as date) as month_start,
    cast(null as string) as user_email,
    cast(null as string) as team_name,
    cast(null as numeric) as seat_usd,
    cast(null as numeric) as worth_usd,
    cast(null as string) as seat_basis,
    cast(null as string) as worth_basis
from (select 1 as nothing) as no_rows
where false
