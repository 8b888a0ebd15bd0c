-- What `sql/providers/<provider>/spend.sql` selects: the provider's rows of ai_spend between @first_day and @last_day,
-- billed and estimated; ai_spend documents each column and adds provider and status. A provider with
-- `bills_own_seats` has its seats here; for all others the seats of the sheet are billed.
select
    cast(null as date) as spend_date,
    cast(null as string) as platform,
    cast(null as string) as account,
    cast(null as string) as billing_account_id,
    cast(null as string) as sub_account,
    cast(null as string) as api_key_id,
    cast(null as string) as user_email,
    cast(null as string) as team_name,
    cast(null as string) as model,
    cast(null as string) as meter,
    cast(null as string) as charge_type,
    cast(null as numeric) as billed_usd,
    cast(null as numeric) as estimated_usd,
    cast(null as numeric) as list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(null as numeric) as quantity,
    cast(null as string) as unit,
    cast(null as string) as attribution_method
from (select 1 as nothing) as no_rows
where false
