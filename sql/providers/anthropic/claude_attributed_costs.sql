-- What Claude charged, by person, key and platform: claude_expenses, api_usage_expenses and ai_spend are sums of these
-- rows. They are the rows of claude_platform_costs with their people. The person is the provider's actor, else the
-- key's owner on that day in the sheet, else its creator.
--
-- grain: one use of one person or key on one platform on one UTC day
-- question: Which person or key caused a Claude cost, on which platform?
-- example: select expense_date, platform, user_email, attribution_method, sum(cost_usd) as cost_usd from
--   ai_usage_analytics.claude_attributed_costs group by expense_date, platform, user_email, attribution_method order
--   by cost_usd desc
-- built: daily by expense_date
-- group: claude
-- cluster: user_email, api_key_id
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   is_in_cost_report boolean not null: part of claude_costs; false for usage outside the Console, as claude.ai, which
--     only analytics report
--   platform string not null: claude.ai, claude_code, claude_api, workbench or unsegmented
--   platform_method string not null: measured, estimated or unknown
--   workspace_id string: the default workspace has its real id where known, else `default`; null outside the Console
--   api_key_id string: null without a key
--   user_email string: the person, by one address, lower-case; null where no person is known
--   team_name string: as the sheet has the key's team on that day, else the person's
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought
--   endpoint string: of programmatic use: messages, message_batches or managed_agents
--   allocation_method string not null: how the cost was allocated, as in claude_cost_shares
--   attribution_method string not null: how the person was found: actor, key_sheet, key_creator or unattributed
--   cost_usd numeric not null: billed, in USD
--   list_usd numeric: the same at list price, where it is measured
--   units integer: tokens of the type, or searches; null where nothing counts them
with uses as (
    select
        expense_date,
        account,
        organization_id,
        is_in_cost_report,
        platform,
        platform_method,
        workspace_id,
        api_key_id,
        actor_email,
        model,
        cost_type,
        token_type,
        service_tier,
        case
            when platform != 'claude_api' then null
            when product = 'managed_agents_api' then 'managed_agents'
            when product = 'message_batches_api' or service_tier = 'batch' then 'message_batches'
            else 'messages'
        end as endpoint,
        allocation_method,
        sum(cost_usd) as cost_usd,
        sum(list_usd) as list_usd,
        sum(
            coalesce(
                cast(share_units as float64) * piece_weight / pieces_weight, cast(share_units as float64)
            )
        ) as units
    from ai_usage_analytics.claude_platform_costs
    where expense_date between @first_day and @last_day
    group by
        expense_date, account, organization_id, is_in_cost_report, platform, platform_method, workspace_id, api_key_id,
        actor_email, model, cost_type, token_type, service_tier, endpoint, allocation_method
),

-- A key has one owner on a day: people are looked up for sums, not for each part.
owned as (
    select
        uses.*,
        if(uses.actor_email is null, owners.team_name, null) as key_team,
        coalesce(uses.actor_email, owners.user_email) as user_email,
        case
            when uses.actor_email is not null then 'actor'
            when owners.mapped_by = 'sheet' then 'key_sheet'
            when owners.mapped_by = 'key_creator' then 'key_creator'
            else 'unattributed'
        end as attribution_method
    from uses
    left join ai_usage_analytics.dim_api_key_mapping as owners
        on
            uses.api_key_id = owners.api_key_id
            and coalesce(owners.provider, 'anthropic') = 'anthropic'
            and uses.expense_date >= coalesce(owners.valid_from, date '0001-01-01')
            and uses.expense_date < coalesce(owners.valid_to, date '9999-12-31')
)

select
    owned.expense_date,
    owned.account,
    owned.organization_id,
    owned.is_in_cost_report,
    owned.platform,
    owned.platform_method,
    owned.workspace_id,
    owned.api_key_id,
    coalesce(people.person_email, owned.user_email) as user_email,
    coalesce(owned.key_team, people.team_name) as team_name,
    owned.model,
    owned.cost_type,
    owned.token_type,
    owned.service_tier,
    owned.endpoint,
    owned.allocation_method,
    owned.attribution_method,
    owned.cost_usd,
    owned.list_usd,
    cast(round(owned.units) as int64) as units
from owned
left join ai_usage_analytics.dim_person as people on owned.user_email = people.user_email
