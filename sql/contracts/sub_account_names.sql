-- What `sql/providers/<provider>/sub_account_names.sql` selects: today's name of each sub-account of ai_spend, by
-- account, and whether it is the account's default one. A sub-account without a row is shown by its id.
select
    cast(null as string) as account,
    cast(null as string) as sub_account,
    cast(null as string) as sub_account_name,
    cast(null as bool) as is_default
from (select 1 as nothing) as no_rows
where false
