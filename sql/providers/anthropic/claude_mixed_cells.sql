-- Models and token types of which cost lines of one service tier and context window differ in geography or speed: there
-- neither usage report alone has the tokens of each line.
--
-- grain: one model and token type in one workspace on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: empty is the default workspace
--   model string not null: the model's id; empty where there is none
--   token_type string not null: which kind of token
--   has_geos boolean not null: lines differ in geography
--   has_speeds boolean not null: lines differ in speed
with cells as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        min(inference_geo) != max(inference_geo) as has_geos,
        min(speed) != max(speed) as has_speeds
    from ai_usage_analytics.claude_line_dimensions
    group by activity_date, account, workspace_id, model, token_type, service_tier, context_window
    having min(inference_geo) != max(inference_geo) or min(speed) != max(speed)
)

select
    activity_date,
    account,
    workspace_id,
    model,
    token_type,
    logical_or(has_geos) as has_geos,
    logical_or(has_speeds) as has_speeds
from cells
group by activity_date, account, workspace_id, model, token_type
