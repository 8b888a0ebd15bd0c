-- Cost lines as their allocation reads them: nothing is null, so that lines can be matched with usage and analytics.
--
-- grain: one row of claude_costs
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string not null: empty where none was used
--   cost_type string not null: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string not null: which kind of token; empty where no token was bought, as are the next four
--   service_tier string not null: standard, where the report has no tier
--   context_window string not null: 0-200k or 200k-1M; empty where the report has none
--   inference_geo string not null: global, us or not_available; empty where the report has none
--   speed string not null: fast or standard; empty where the line has no text
--   is_batch boolean not null: tokens bought in batch
--   amount_usd numeric not null: billed, in USD
select
    costs.activity_date,
    costs.account,
    costs.organization_id,
    coalesce(costs.workspace_id, defaults.workspace_id, 'default') as workspace_id,
    coalesce(costs.model, '') as model,
    coalesce(costs.cost_type, '') as cost_type,
    coalesce(costs.token_type, '') as token_type,
    if(costs.token_type is null, '', coalesce(costs.service_tier, 'standard')) as service_tier,
    if(costs.token_type is null, '', coalesce(costs.context_window, '')) as context_window,
    if(costs.token_type is null, '', coalesce(costs.inference_geo, '')) as inference_geo,
    if(costs.token_type is null, '', coalesce(costs.speed, '')) as speed,
    coalesce(costs.token_type is not null and costs.service_tier = 'batch', false) as is_batch,
    costs.amount_usd
from ai_usage_analytics.claude_costs as costs
left join ai_usage_analytics.claude_default_workspaces as defaults on costs.account = defaults.account
