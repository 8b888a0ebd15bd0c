-- What the cost report has of each account's day, as a whole and by project.
select
    activity_date,
    account,
    true as is_whole,
    cast(null as string) as sub_account,
    amount_usd as usd
from ai_usage_analytics.openai_attributed_costs
union all
select
    activity_date,
    account,
    false as is_whole,
    project_id as sub_account,
    amount_usd as usd
from ai_usage_analytics.openai_attributed_costs
where project_id is not null
