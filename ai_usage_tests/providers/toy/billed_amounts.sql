-- What the toy provider billed by its own lines; it has no sub-accounts.
select
    activity_date,
    account,
    true as is_whole,
    cast(null as string) as sub_account,
    amount_usd as usd
from ai_usage_analytics.toy_costs
