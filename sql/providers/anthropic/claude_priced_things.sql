-- The priced things of claude_priced_tiers, each with all its tiers: a thing is allocated as a whole. All rows of a
-- thing have the same dimensions: any of them is used, and only if a reader selects it.
--
-- grain: one priced thing of an account on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: the number of the priced thing, within the account's day
--   organization_id string not null: as in claude_priced_tiers, as is what follows, up to measured_usd
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string not null: empty where none was used
--   cost_type string not null: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string not null: empty where no token was bought
--   tiers string not null: what the thing covers: its one tier, or where analytics measure it: batch, other or all
--   measured_usd numeric: what analytics measured; null where they measured nothing
--   service_tier string: its only tier; null where it has several, or no token was bought
--   has_tiers boolean not null: its shares are split by tier: it has several, and none of them has a credit
--   amount_usd numeric not null: billed, in USD
--   line_count integer not null: cost lines
--   rounding_usd numeric: 1e-9 USD for each row of both reports: a difference up to it is rounding; null where
--     analytics measured nothing
select
    activity_date,
    account,
    thing,
    any_value(organization_id) as organization_id,
    any_value(workspace_id) as workspace_id,
    any_value(model) as model,
    any_value(cost_type) as cost_type,
    any_value(token_type) as token_type,
    any_value(tiers) as tiers,
    any_value(measured_usd) as measured_usd,
    if(count(*) = 1, nullif(max(service_tier), ''), null) as service_tier,
    count(*) > 1 and min(amount_usd) >= 0 as has_tiers,
    sum(amount_usd) as amount_usd,
    sum(line_count) as line_count,
    cast(sum(line_count) + max(measured_rows) as numeric) * cast('0.000000001' as numeric) as rounding_usd
from ai_usage_analytics.claude_priced_tiers
group by activity_date, account, thing
