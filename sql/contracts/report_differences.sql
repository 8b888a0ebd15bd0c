-- What `sql/providers/<provider>/report_differences.sql` selects: for each day, the difference between two reports of
-- the provider about the same money, by cause. A cause of unknown amount is null.
select
    cast(null as date) as activity_date,
    cast(null as string) as cause,
    cast(null as numeric) as amount_usd
from (select 1 as nothing) as no_rows
where false
