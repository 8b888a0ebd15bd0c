-- What `sql/providers/<provider>/sub_account_names.sql` selects: what the sub-accounts of ai_spend are called today, one
-- row each. A sub-account that is not here goes by its id.
select
    cast(null as string) as sub_account,
    cast(null as string) as sub_account_name
from (select 1 as nothing) as no_rows
where false
