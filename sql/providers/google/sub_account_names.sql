-- The projects of each account that the billing export names, by the name on their last day there.
select
    account,
    project_id as sub_account,
    project_name as sub_account_name,
    false as is_default
from ai_usage_analytics.gemini_costs
where
    project_id is not null
    and project_name is not null
qualify row_number() over (partition by account, project_id order by activity_date desc, project_name asc) = 1
