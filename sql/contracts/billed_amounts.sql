-- What `sql/providers/<provider>/billed_amounts.sql` selects: the usage-based cost of each account's day, without
-- seats, in total and, where the bill has them, by sub-account.
select
    cast(null as date) as activity_date,
    cast(null as string) as account,
    cast(null as bool) as is_whole,
    cast(null as string) as sub_account,
    cast(null as numeric) as usd
from (select 1 as nothing) as no_rows
where false
