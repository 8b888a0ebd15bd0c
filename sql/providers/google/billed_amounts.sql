-- What the billing export has of each account's day for use, credits included, as a whole and by project.
select
    activity_date,
    account,
    true as is_whole,
    cast(null as string) as sub_account,
    amount_usd as usd
from ai_usage_analytics.gemini_attributed_costs
where charge_type != 'subscription'
union all
select
    activity_date,
    account,
    false as is_whole,
    project_id as sub_account,
    amount_usd as usd
from ai_usage_analytics.gemini_attributed_costs
where
    charge_type != 'subscription'
    and project_id is not null
