-- The dimensions of the cost lines of tokens on a day: two usage reports together have them, neither has all.
--
-- grain: one combination of a cost line's dimensions on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: empty is the default workspace
--   model string not null: the model's id; empty where there is none
--   token_type string not null: which kind of token
--   service_tier string not null: as in claude_costs, but empty instead of null, as are the next three
--   context_window string not null: 0-200k or 200k-1M
--   inference_geo string not null: global, us or not_available
--   speed string not null: fast or standard
select distinct
    activity_date,
    account,
    coalesce(workspace_id, '') as workspace_id,
    coalesce(model, '') as model,
    token_type,
    coalesce(service_tier, '') as service_tier,
    coalesce(context_window, '') as context_window,
    coalesce(inference_geo, '') as inference_geo,
    coalesce(speed, '') as speed
from ai_usage_analytics.claude_costs
where token_type is not null
