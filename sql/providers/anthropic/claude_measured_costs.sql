-- The measured cost of analytics, row by row, with the workspace as in the cost report's marts, and whether the cost
-- report has the same money. A Console product is in the cost report; without a workspace it ran in the default one. A
-- row of any other product without a workspace is usage outside the Console, which only analytics report.
--
-- grain: one row of claude_analytics_costs
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   is_of_console boolean not null: whether the account has a cost report, so that its Admin key names its organization
--   organization_id string not null: as in claude_analytics_costs; the account's name where no key names it
--   is_in_cost_report boolean not null: the same money as in claude_costs: never added to it
--   workspace_id string: the default workspace has its real id where known, else `default`; null outside the Console
--   product string: as analytics has it
--   api_key_id string: null without a key
--   actor_type string: as analytics has it
--   user_email string: the user that analytics names, lower-case
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   amount_usd numeric not null: billed, in USD
--   list_usd numeric not null: the same at list price
select
    measured.activity_date,
    measured.account,
    measured.organization_id is not null as is_of_console,
    coalesce(measured.organization_id, measured.account) as organization_id,
    measured.organization_id is not null and (
        measured.workspace_id is not null or coalesce(
            measured.product in ('messages_api', 'message_batches_api', 'managed_agents_api', 'claude_console'), false
        )
    ) as is_in_cost_report,
    coalesce(
        measured.workspace_id,
        if(
            measured.product in ('messages_api', 'message_batches_api', 'managed_agents_api', 'claude_console'),
            coalesce(defaults.workspace_id, 'default'), null
        )
    ) as workspace_id,
    measured.product,
    measured.api_key_id,
    measured.actor_type,
    measured.user_email,
    measured.model,
    measured.cost_type,
    measured.token_type,
    measured.amount_usd,
    measured.list_usd
from ai_usage_analytics.claude_analytics_costs as measured
left join ai_usage_analytics.claude_default_workspaces as defaults on measured.account = defaults.account
