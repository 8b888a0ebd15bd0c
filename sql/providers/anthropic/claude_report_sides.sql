-- The cost report and analytics, row by row, side by side: the same cost by two reports.
--
-- grain: one row of claude_costs, or one of claude_measured_costs of an account with a cost report
-- step of: claude_parity
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   is_in_console boolean not null: the cost report has the same cost, or should have it; false for usage outside the
--     Console, as claude.ai
--   workspace_id string: the default workspace has its real id where it is known, else `default`; null outside the
--     Console
--   product string: as analytics has it; null in the cost report
--   model string: null where no token was bought
--   kind string: the token type, or the cost type where no token was bought
--   cost_report_usd numeric not null: billed by the cost report, in USD
--   analytics_usd numeric not null: billed by analytics, in USD
select
    costs.activity_date,
    costs.account,
    true as is_in_console,
    coalesce(costs.workspace_id, defaults.workspace_id, 'default') as workspace_id,
    cast(null as string) as product,
    if(costs.token_type is null, null, costs.model) as model,
    coalesce(costs.token_type, costs.cost_type) as kind,
    costs.amount_usd as cost_report_usd,
    cast(0 as numeric) as analytics_usd
from ai_usage_analytics.claude_costs as costs
left join ai_usage_analytics.claude_default_workspaces as defaults on costs.account = defaults.account
union all
select
    activity_date,
    account,
    is_in_cost_report as is_in_console,
    workspace_id,
    product,
    if(token_type is null, null, model) as model,
    coalesce(token_type, cost_type) as kind,
    cast(0 as numeric) as cost_report_usd,
    amount_usd as analytics_usd
from ai_usage_analytics.claude_measured_costs
where is_of_console
