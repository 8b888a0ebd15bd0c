-- What `sql/providers/<provider>/taxes.sql` selects: the tax on each account's day, in USD and, where that is another
-- one, in the currency of the bill. A provider that reports no tax has no such file: then tax is on its invoice only.
select
    cast(null as date) as activity_date,
    cast(null as string) as account,
    cast(null as numeric) as billed_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency
from (select 1 as nothing) as no_rows
where false
