-- Usage as input of the allocation of cost lines: only the key may be null, so that lines can be matched with it.
-- Priority Tier is not included, since the cost report does not have it.
--
-- grain: one row of claude_token_units that is not of Priority Tier
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   api_key_id string: null is Console and Workbench use
--   kind string not null: a token type of the cost report, or web_search
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string not null: empty for web searches, as are the next two: their lines have none
--   service_tier string not null: standard, where the report has no tier
--   context_window string not null: 0-200k or 200k-1M; empty where the report has none
--   units integer: tokens, or searches
select
    used.activity_date,
    used.account,
    used.api_key_id,
    used.kind,
    coalesce(used.workspace_id, defaults.workspace_id, 'default') as workspace_id,
    if(used.kind = 'web_search', '', coalesce(used.model, '')) as model,
    if(used.kind = 'web_search', '', coalesce(used.service_tier, 'standard')) as service_tier,
    if(used.kind = 'web_search', '', coalesce(used.context_window, '')) as context_window,
    used.units
from ai_usage_analytics.claude_token_units as used
left join ai_usage_analytics.claude_default_workspaces as defaults on used.account = defaults.account
where not used.is_priority
