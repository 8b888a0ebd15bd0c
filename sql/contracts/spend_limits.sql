-- What `sql/providers/<provider>/spend_limits.sql` selects: each spend limit that the provider reports, with what was
-- used against it; limit_use documents each column. A provider that reports none has no such file.
select
    cast(null as string) as account,
    cast(null as string) as scope,
    cast(null as string) as user_email,
    cast(null as string) as period,
    cast(null as date) as period_start,
    cast(null as numeric) as limit_usd,
    cast(null as bool) as is_unlimited,
    cast(null as numeric) as used_usd,
    cast(null as timestamp) as as_of_at
from (select 1 as nothing) as no_rows
where false
