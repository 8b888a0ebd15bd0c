-- What `sql/providers/<provider>/sub_account_names.sql` selects: the names that sub-accounts of ai_spend have today, in
-- one row each, and whether it is the default one. A sub-account that is not here goes by its id.
select
    cast(null as string) as sub_account,
    cast(null as string) as sub_account_name,
    cast(null as bool) as is_default
from (select 1 as nothing) as no_rows
where false
