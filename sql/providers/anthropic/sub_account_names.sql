-- The workspaces of each account, as they are named in the Console.
select
    account,
    coalesce(workspace_id, 'default') as sub_account,
    min(workspace_name) as sub_account_name,
    coalesce(logical_or(is_default), false) as is_default
from ai_usage_analytics.dim_workspace
group by account, workspace_id
