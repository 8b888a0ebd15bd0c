-- What Claude cost by platform: measured where analytics report the product; else Claude Code's part is estimated from
-- its own report, and the rest is named by what is known about it.
--
-- grain: one kind of cost of one model in one workspace of an account on one platform on one UTC day
-- question: What did Claude charge by platform, workspace, model and kind of cost?
-- example: select expense_date, platform, workspace_id, model, sum(cost_usd) as cost_usd from
--   ai_usage_analytics.claude_expenses group by expense_date, platform, workspace_id, model order by cost_usd desc
-- built: daily by expense_date
-- group: claude
-- cluster: platform, workspace_id
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   platform string not null: claude.ai, claude_code, claude_api, workbench, or unsegmented: not known
--   platform_method string not null: how the platform is known: measured, estimated or unknown
--   is_in_cost_report boolean not null: part of claude_costs; false for usage outside the Console, as claude.ai, which
--     only analytics report
--   workspace_id string: the default workspace has its real id where known, else `default`; null outside the Console
--   model string: null where none was used
--   cost_usd numeric not null: billed, in USD
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought
select
    expense_date,
    account,
    platform,
    platform_method,
    is_in_cost_report,
    workspace_id,
    model,
    sum(cost_usd) as cost_usd,
    cost_type,
    token_type,
    service_tier
from ai_usage_analytics.claude_attributed_costs
where expense_date between @first_day and @last_day
group by
    expense_date, account, platform, platform_method, is_in_cost_report, workspace_id, model, cost_type, token_type,
    service_tier
