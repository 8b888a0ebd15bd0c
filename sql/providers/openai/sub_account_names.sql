-- The projects of each account, archived ones included. None of them is known to be the default one.
select
    account,
    project_id as sub_account,
    min(project_name) as sub_account_name,
    false as is_default
from ai_usage_analytics.openai_projects
where project_name is not null
group by account, project_id
