-- What `sql/providers/<provider>/stated_amounts.sql` selects: what each table states that the provider billed for a day
-- between @first_day and @last_day, with how many rows. `amount_of` is usage or subscription, `stated_by` is the layer
-- and name of the table; tables that state the same thing must state the same amount. A table without an amount is only
-- asked for rows. Each table has a row for each day, be it of nothing.
select
    cast(null as date) as activity_date,
    cast(null as string) as amount_of,
    cast(null as string) as stated_by,
    cast(null as numeric) as usd,
    cast(null as int64) as row_count
from (select 1 as nothing) as no_rows
where false
