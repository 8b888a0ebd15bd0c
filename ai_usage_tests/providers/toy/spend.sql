-- The toy provider's rows of ai_spend: what each person is billed for Playroom.
select
    activity_date as spend_date,
    'playroom' as platform,
    account,
    'toy-account' as billing_account_id,
    cast(null as string) as sub_account,
    cast(null as string) as api_key_id,
    user_email,
    cast(null as string) as team_name,
    cast(null as string) as model,
    'play' as meter,
    'usage' as charge_type,
    amount_usd as billed_usd,
    cast(null as numeric) as estimated_usd,
    cast(null as numeric) as list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(null as numeric) as quantity,
    cast(null as string) as unit,
    'actor' as attribution_method
from ai_usage_analytics.toy_costs
where activity_date between @first_day and @last_day
