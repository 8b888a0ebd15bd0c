-- claude_usage_by_line as the allocation of cost lines reads it: nothing is null, as in claude_charged_lines.
--
-- grain: one row of claude_usage_by_line
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string not null: as in claude_charged_lines
--   token_type string not null: which kind of token
--   api_key_id string: null is Console and Workbench use
--   service_tier string not null: standard, where the report has no tier
--   context_window string not null: as in claude_charged_lines
--   inference_geo string not null: empty where the day's lines do not differ in it
--   speed string not null: empty where the day's lines do not differ in it
--   tokens integer not null: how many
select
    by_line.activity_date,
    by_line.account,
    coalesce(by_line.workspace_id, defaults.workspace_id, 'default') as workspace_id,
    coalesce(by_line.model, '') as model,
    by_line.token_type,
    by_line.api_key_id,
    coalesce(by_line.service_tier, 'standard') as service_tier,
    coalesce(by_line.context_window, '') as context_window,
    coalesce(by_line.inference_geo, '') as inference_geo,
    coalesce(by_line.speed, '') as speed,
    by_line.tokens
from ai_usage_analytics.claude_usage_by_line as by_line
left join ai_usage_analytics.claude_default_workspaces as defaults on by_line.account = defaults.account
