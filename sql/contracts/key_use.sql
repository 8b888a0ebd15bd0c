-- What `sql/providers/<provider>/key_use.sql` selects: what each API key used and cost on each day between @first_day
-- and @last_day. A provider without API keys has no such file.
select
    cast(null as date) as activity_date,
    cast(null as string) as account,
    cast(null as string) as api_key_id,
    cast(null as int64) as tokens,
    cast(null as numeric) as usd
from (select 1 as nothing) as no_rows
where false
