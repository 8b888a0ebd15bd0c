-- What `sql/providers/<provider>/stated_amounts.sql` selects: the amount that each table has of an account for a day
-- between @first_day and @last_day, and its number of rows. `amount_of` is usage or subscription, `stated_by` is the
-- layer and name of the table; tables with the same `amount_of` must have the same amount. For a table without amounts
-- only the rows count. Each table has a row for each day, even an empty one: that row has no account.
select
    cast(null as date) as activity_date,
    cast(null as string) as account,
    cast(null as string) as amount_of,
    cast(null as string) as stated_by,
    cast(null as numeric) as usd,
    cast(null as int64) as row_count
from (select 1 as nothing) as no_rows
where false
