-- How many units of each priced thing every key used: tokens of its type, or searches. They come from
-- claude_line_tokens where that has the tokens of the thing's lines, elsewhere from claude_used_units.
--
-- grain: one key's use of one service tier of one priced thing on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: as in claude_priced_tiers
--   service_tier string not null: as in claude_priced_tiers
--   is_measured boolean not null: analytics measured the thing
--   api_key_id string: null is Console and Workbench use
--   units integer: tokens, or searches
select
    tiers.activity_date,
    tiers.account,
    tiers.thing,
    tiers.service_tier,
    tiers.measured_usd is not null as is_measured,
    used.api_key_id,
    sum(used.units) as units
from ai_usage_analytics.claude_priced_tiers as tiers
inner join ai_usage_analytics.claude_used_units as used
    on
        tiers.activity_date = used.activity_date
        and tiers.account = used.account
        and tiers.workspace_id = used.workspace_id
        and tiers.model = used.model
        and tiers.service_tier = used.service_tier
        and if(tiers.token_type = '', tiers.cost_type, tiers.token_type) = used.kind
        and (tiers.measured_usd is not null or tiers.context_window = used.context_window)
where
    used.units > 0
    and not tiers.is_apart
group by
    tiers.activity_date, tiers.account, tiers.thing, tiers.service_tier, tiers.measured_usd is not null, used.api_key_id
union all
select
    tiers.activity_date,
    tiers.account,
    tiers.thing,
    tiers.service_tier,
    tiers.measured_usd is not null as is_measured,
    line_tokens.api_key_id,
    sum(line_tokens.tokens) as units
from ai_usage_analytics.claude_priced_tiers as tiers
inner join ai_usage_analytics.claude_line_tokens as line_tokens
    on
        tiers.activity_date = line_tokens.activity_date
        and tiers.account = line_tokens.account
        and tiers.workspace_id = line_tokens.workspace_id
        and tiers.model = line_tokens.model
        and tiers.service_tier = line_tokens.service_tier
        and tiers.token_type = line_tokens.token_type
        and tiers.context_window = line_tokens.context_window
        and tiers.inference_geo = line_tokens.inference_geo
        and tiers.speed = line_tokens.speed
where tiers.is_apart
group by
    tiers.activity_date, tiers.account, tiers.thing, tiers.service_tier, tiers.measured_usd is not null,
    line_tokens.api_key_id
