-- Each account's default workspace, which is null in reports: each organization has its own.
--
-- grain: one account that lists workspaces
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   account string not null: the account at the provider
--   workspace_id string not null: the real id of its default workspace where it is known, else `default`
select
    account,
    coalesce(max(workspace_id), 'default') as workspace_id
from ai_usage_analytics.dim_workspace
where is_default
group by account
