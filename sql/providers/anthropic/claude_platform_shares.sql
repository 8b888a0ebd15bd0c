-- The cost shares, each with its platform, if that is known without Claude Code's own report. Measured shares have a
-- product. Keys of the workspace `Claude Code` are Claude Code's own. The platform of a
-- share by tokens without such a key is null: claude_platform_costs splits it between platforms by estimates.
--
-- grain: one row of claude_cost_shares
-- step of: claude_attributed_costs
-- built: view
-- group: claude
-- columns:
--   expense_date date not null: the UTC day, as in claude_cost_shares, as are all columns but the last three
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought
--   product string: as analytics has it; null where the share is not measured
--   api_key_id string: null without a key: Console, Workbench, a person who signed in, or unknown
--   actor_email string: the user that analytics names, lower-case
--   allocation_method string not null: measured, proportional, tokens, estimated, requests or none
--   cost_usd numeric not null: the share, in USD
--   list_usd numeric: the same at list price, where it is measured
--   units integer: tokens of the type, or searches; null where nothing counts them
--   is_code_key boolean not null: used by a key of the workspace `Claude Code`
--   platform string: claude.ai, claude_code, claude_api, workbench or unsegmented; null where it is split by estimates
--   platform_method string not null: measured, estimated or unknown
with code_workspaces as (
    select
        account,
        coalesce(workspace_id, 'default') as workspace_id
    from ai_usage_analytics.dim_workspace
    where workspace_name = 'Claude Code'
),

marked as (
    select
        shares.*,
        shares.allocation_method in ('measured', 'proportional') as is_measured,
        code_workspaces.workspace_id is not null and shares.api_key_id is not null as is_code_key
    from ai_usage_analytics.claude_cost_shares as shares
    left join code_workspaces
        on
            shares.account = code_workspaces.account
            and shares.workspace_id = code_workspaces.workspace_id
)

select
    expense_date,
    account,
    organization_id,
    workspace_id,
    model,
    cost_type,
    token_type,
    service_tier,
    product,
    api_key_id,
    actor_email,
    allocation_method,
    cost_usd,
    list_usd,
    units,
    is_code_key,
    case
        when allocation_method in ('tokens', 'estimated') and not is_code_key then null
        when product in ('messages_api', 'message_batches_api', 'managed_agents_api') then 'claude_api'
        when product = 'claude_code' then 'claude_code'
        when product = 'claude_console' then 'workbench'
        when product is not null then 'claude.ai'
        when is_measured or allocation_method = 'none' then 'unsegmented'
        when is_code_key then 'claude_code'
        when api_key_id is null then 'workbench'
        else 'claude_api'
    end as platform,
    case
        when product is not null then 'measured'
        when is_measured or allocation_method = 'none' then 'unknown'
        else 'estimated'
    end as platform_method
from marked
