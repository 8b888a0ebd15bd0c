-- What `sql/providers/<provider>/core_rows.sql` selects: the rows between @first_day and @last_day of each core table
-- that has one row for each record of a pull.
select
    cast(null as string) as pull,
    cast(null as string) as account,
    cast(null as date) as activity_date,
    cast(null as string) as pull_id
from (select 1 as nothing) as no_rows
where false
