-- What Claude charged, by person, key and platform: claude_expenses, api_usage_expenses and ai_spend are sums of these
-- rows. Measured shares have their product and often their person. For the others Claude Code is estimated: keys of the
-- workspace `Claude Code` are its own. Beyond what these cost, the estimates of its own report for API customers take
-- their part of the cost without a key (by person), or of the key with the reported name. Where they exceed it, they
-- are met in proportion, by differences of rounded-down cumulative shares, so that nothing is lost. The rest without a
-- key is Workbench. The person is the provider's actor, else the key's owner on that day in the sheet, else its
-- creator.
--
-- grain: one use of one person or key on one platform on one UTC day
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
with code_workspaces as (
    select
        account,
        coalesce(workspace_id, 'default') as workspace_id
    from ai_usage_analytics.dim_workspace
    where workspace_name = 'Claude Code'
),

shares as (
    select
        claude_cost_shares.expense_date,
        claude_cost_shares.account,
        claude_cost_shares.organization_id,
        claude_cost_shares.workspace_id,
        claude_cost_shares.model,
        claude_cost_shares.cost_type,
        claude_cost_shares.token_type,
        claude_cost_shares.service_tier,
        claude_cost_shares.product,
        claude_cost_shares.api_key_id,
        claude_cost_shares.actor_email,
        claude_cost_shares.allocation_method,
        claude_cost_shares.cost_usd,
        claude_cost_shares.list_usd,
        claude_cost_shares.units,
        cast(claude_cost_shares.cost_usd * 1000000000 as int64) as nano_usd,
        coalesce(claude_cost_shares.api_key_id, '') as pool,
        claude_cost_shares.allocation_method in ('measured', 'proportional') as is_told,
        claude_cost_shares.allocation_method in ('tokens', 'estimated') as is_by_tokens,
        code_workspaces.workspace_id is not null and claude_cost_shares.api_key_id is not null as is_code_key
    from ai_usage_analytics.claude_cost_shares
    left join code_workspaces
        on
            claude_cost_shares.account = code_workspaces.account
            and claude_cost_shares.workspace_id = code_workspaces.workspace_id
    where claude_cost_shares.expense_date between @first_day and @last_day
),

estimates as (
    select
        activity_date as expense_date,
        account,
        model,
        user_email,
        api_key_name,
        sum(estimated_cost_usd) as estimated_usd
    from ai_usage_analytics.claude_code_model_usage
    where
        activity_date between @first_day and @last_day
        and customer_type = 'api'
    group by activity_date, account, model, user_email, api_key_name
),

makers as (
    select
        api_key_id,
        max(creator_email) as creator_email
    from ai_usage_analytics.dim_api_key_mapping
    group by api_key_id
),

estimating as (
    select distinct account
    from estimates
),

key_names as (
    select
        estimating.account,
        keys.api_key_name,
        max(keys.api_key_id) as only_key_id
    from ai_usage_analytics.dim_api_key_mapping as keys
    inner join estimating on keys.account = estimating.account or keys.account is null
    where coalesce(keys.provider, 'anthropic') = 'anthropic'
    group by estimating.account, keys.api_key_name
    having count(distinct keys.api_key_id) = 1
),

by_code_keys as (
    select
        shares.expense_date,
        shares.account,
        shares.model,
        makers.creator_email,
        sum(shares.cost_usd) as cost_usd
    from shares
    inner join makers on shares.api_key_id = makers.api_key_id
    where shares.is_code_key and not shares.is_told
    group by shares.expense_date, shares.account, shares.model, makers.creator_email
),

code_costs as (
    select
        estimates.expense_date,
        estimates.account,
        estimates.model,
        '' as pool,
        estimates.user_email,
        'claude_code' as platform,
        estimates.estimated_usd - coalesce(by_code_keys.cost_usd, cast(0 as numeric)) as code_usd
    from estimates
    left join by_code_keys
        on
            estimates.expense_date = by_code_keys.expense_date
            and estimates.account = by_code_keys.account
            and estimates.model = by_code_keys.model
            and estimates.user_email = by_code_keys.creator_email
    where estimates.user_email is not null
    union all
    select
        estimates.expense_date,
        estimates.account,
        estimates.model,
        key_names.only_key_id as pool,
        cast(null as string) as user_email,
        'claude_code' as platform,
        estimates.estimated_usd as code_usd
    from estimates
    inner join key_names
        on
            estimates.account = key_names.account
            and estimates.api_key_name = key_names.api_key_name
),

pools as (
    select
        expense_date,
        account,
        model,
        pool,
        sum(cost_usd) as pool_usd
    from shares
    where is_by_tokens and not is_code_key
    group by expense_date, account, model, pool
),

code_by_pool as (
    select
        expense_date,
        account,
        model,
        pool,
        sum(code_usd) as pool_code_usd
    from code_costs
    where code_usd > 0
    group by expense_date, account, model, pool
),

pieces as (
    select
        code_costs.expense_date,
        code_costs.account,
        code_costs.model,
        code_costs.pool,
        code_costs.user_email,
        code_costs.platform,
        code_costs.code_usd as piece_usd
    from code_costs
    where code_costs.code_usd > 0
    union all
    select
        pools.expense_date,
        pools.account,
        pools.model,
        pools.pool,
        cast(null as string) as user_email,
        if(pools.pool = '', 'workbench', 'claude_api') as platform,
        pools.pool_usd - coalesce(code_by_pool.pool_code_usd, cast(0 as numeric)) as piece_usd
    from pools
    left join code_by_pool
        on
            pools.expense_date = code_by_pool.expense_date
            and pools.account = code_by_pool.account
            and pools.model = code_by_pool.model
            and pools.pool = code_by_pool.pool
    where pools.pool_usd > coalesce(code_by_pool.pool_code_usd, cast(0 as numeric))
),

measures as (
    select
        expense_date,
        account,
        model,
        pool,
        user_email,
        platform,
        piece_usd,
        sum(piece_usd) over (
            partition by expense_date, account, model, pool
            order by platform, user_email
            rows between unbounded preceding and current row
        ) as upto_usd,
        sum(piece_usd) over (partition by expense_date, account, model, pool) as whole_usd
    from pieces
),

divided as (
    select
        shares.*,
        measures.user_email,
        cast(shares.units as float64)
        * cast(measures.piece_usd as float64)
        / cast(measures.whole_usd as float64) as piece_units,
        coalesce(measures.platform, if(shares.pool = '', 'workbench', 'claude_api')) as platform,
        coalesce(
            cast(measures.upto_usd as float64) / cast(measures.whole_usd as float64), 1
        ) as upto_share,
        coalesce(
            cast(measures.upto_usd - measures.piece_usd as float64) / cast(measures.whole_usd as float64), 0
        ) as from_share
    from shares
    left join measures
        on
            shares.expense_date = measures.expense_date
            and shares.account = measures.account
            and shares.model = measures.model
            and shares.pool = measures.pool
    where shares.is_by_tokens and not shares.is_code_key
),

uses as (
    select
        expense_date,
        account,
        organization_id,
        true as is_in_cost_report,
        case
            when product in ('messages_api', 'message_batches_api', 'managed_agents_api') then 'claude_api'
            when product = 'claude_code' then 'claude_code'
            when product = 'claude_console' then 'workbench'
            when product is not null then 'claude.ai'
            when is_told or allocation_method = 'none' then 'unsegmented'
            when is_code_key then 'claude_code'
            when api_key_id is null then 'workbench'
            else 'claude_api'
        end as platform,
        case
            when product is not null then 'measured'
            when is_told or allocation_method = 'none' then 'unknown'
            else 'estimated'
        end as platform_method,
        workspace_id,
        api_key_id,
        actor_email,
        model,
        cost_type,
        token_type,
        service_tier,
        product,
        allocation_method,
        cost_usd,
        list_usd,
        cast(units as float64) as units
    from shares
    where not is_by_tokens or is_code_key
    union all
    select
        expense_date,
        account,
        organization_id,
        true as is_in_cost_report,
        platform,
        'estimated' as platform_method,
        workspace_id,
        api_key_id,
        user_email as actor_email,
        model,
        cost_type,
        token_type,
        service_tier,
        product,
        allocation_method,
        cast(
            cast(
                cast(floor(cast(nano_usd as float64) * upto_share) as int64)
                - cast(floor(cast(nano_usd as float64) * from_share) as int64) as numeric
            ) * cast('0.000000001' as numeric) as numeric
        ) as cost_usd,
        list_usd,
        coalesce(piece_units, cast(units as float64)) as units
    from divided
    union all
    select
        activity_date as expense_date,
        account,
        organization_id,
        false as is_in_cost_report,
        if(product = 'claude_code', 'claude_code', 'claude.ai') as platform,
        'measured' as platform_method,
        workspace_id,
        api_key_id,
        user_email as actor_email,
        model,
        cost_type,
        token_type,
        cast(null as string) as service_tier,
        product,
        'measured' as allocation_method,
        amount_usd as cost_usd,
        list_usd,
        cast(null as float64) as units
    from ai_usage_analytics.claude_measured_costs
    where
        activity_date between @first_day and @last_day
        and not is_in_cost_report
),

owned as (
    select
        uses.expense_date,
        uses.account,
        uses.organization_id,
        uses.is_in_cost_report,
        uses.platform,
        uses.platform_method,
        uses.workspace_id,
        uses.api_key_id,
        uses.model,
        uses.cost_type,
        uses.token_type,
        uses.service_tier,
        uses.allocation_method,
        uses.cost_usd,
        uses.list_usd,
        uses.units,
        if(uses.actor_email is null, owners.team_name, null) as key_team,
        coalesce(uses.actor_email, owners.user_email) as user_email,
        case
            when uses.platform != 'claude_api' then null
            when uses.product = 'managed_agents_api' then 'managed_agents'
            when uses.product = 'message_batches_api' or uses.service_tier = 'batch' then 'message_batches'
            else 'messages'
        end as endpoint,
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
    sum(owned.cost_usd) as cost_usd,
    sum(owned.list_usd) as list_usd,
    cast(round(sum(owned.units)) as int64) as units
from owned
left join ai_usage_analytics.dim_person as people on owned.user_email = people.user_email
group by
    owned.expense_date, owned.account, owned.organization_id, owned.is_in_cost_report, owned.platform,
    owned.platform_method, owned.workspace_id, owned.api_key_id, people.person_email, owned.user_email, owned.key_team,
    people.team_name, owned.model, owned.cost_type, owned.token_type, owned.service_tier, owned.endpoint,
    owned.allocation_method, owned.attribution_method
