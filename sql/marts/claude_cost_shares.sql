-- Whose each priced thing is: every cost line divided among those who used it, and nothing lost.
-- Where analytics/cost tells what keys and actors cost, its rows are the shares: as they are if they add up to what was
-- charged, else as proportions of it. Otherwise a line is divided by tokens of its own type (web searches by searches)
-- within day, workspace, model, tier, context window and geography, where that price is uniform: rounded down to the
-- nano-dollar, and what is left goes to the largest remainders. What nothing tells of stays whole, with nobody.
--
-- grain: one payer's share of one priced thing on one UTC day
-- built: daily by expense_date
-- held by: claude
-- cluster: workspace_id, api_key_id
-- columns:
--   expense_date date not null: the UTC day
--   organization_id string not null: the Console organisation
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the vendor adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought
--   product string: as analytics has it; null where the share is not measured
--   api_key_id string: null without a key: Console, Workbench, a person who signed in, or nobody known
--   actor_type string: as analytics has it; null where the share is not measured
--   actor_email string: the user that analytics names, lower-case
--   allocation_method string not null: measured, proportional (analytics, scaled to what was charged), tokens,
--     requests (web searches), or none (nothing tells whose it is)
--   cost_usd numeric not null: the share, in USD
--   list_usd numeric: the same at list price, where it is measured
--   units integer: tokens of the type, or searches; null where nothing counts them
with default_workspace as (
    select coalesce(max(workspace_id), 'default') as workspace_id
    from ai_usage_analytics.dim_workspace
    where is_default
),

lines as (
    select
        costs.activity_date,
        costs.organization_id,
        costs.amount_usd,
        coalesce(costs.workspace_id, default_workspace.workspace_id) as workspace_id,
        coalesce(costs.model, '') as model,
        coalesce(costs.cost_type, '') as cost_type,
        coalesce(costs.token_type, '') as token_type,
        if(costs.token_type is null, '', coalesce(costs.service_tier, 'standard')) as service_tier,
        if(costs.token_type is null, '', coalesce(costs.context_window, '')) as context_window,
        if(costs.token_type is null, '', coalesce(costs.inference_geo, '')) as inference_geo
    from ai_usage_analytics.claude_costs as costs
    cross join default_workspace
    where costs.activity_date between @first_day and @last_day
),

measured as (
    select
        activity_date,
        workspace_id,
        product,
        api_key_id,
        actor_type,
        user_email,
        model,
        if(token_type is null, '', coalesce(model, '')) as line_model,
        coalesce(cost_type, '') as cost_type,
        coalesce(token_type, '') as token_type,
        case
            when token_type is null then ''
            when product = 'message_batches_api' then 'batch'
            else 'standard'
        end as service_tier,
        sum(amount_usd) as amount_usd,
        sum(list_usd) as list_usd
    from ai_usage_analytics.claude_analytics_costs
    where
        activity_date between @first_day and @last_day
        and workspace_id is not null
    group by
        activity_date, workspace_id, product, api_key_id, actor_type, user_email, model, line_model, cost_type,
        token_type, service_tier
),

measured_things as (
    select
        activity_date,
        workspace_id,
        line_model,
        cost_type,
        token_type,
        service_tier,
        count(*) as measured_rows,
        sum(amount_usd) as measured_usd
    from measured
    group by activity_date, workspace_id, line_model, cost_type, token_type, service_tier
    having sum(greatest(amount_usd, cast(0 as numeric))) > 0
),

marked as (
    select
        lines.activity_date,
        lines.organization_id,
        lines.workspace_id,
        lines.model,
        lines.cost_type,
        lines.token_type,
        lines.service_tier,
        lines.amount_usd,
        measured_things.measured_usd,
        measured_things.measured_rows,
        if(measured_things.measured_usd is null, lines.context_window, '') as context_window,
        if(measured_things.measured_usd is null, lines.inference_geo, '') as inference_geo
    from lines
    left join measured_things
        on
            lines.activity_date = measured_things.activity_date
            and lines.workspace_id = measured_things.workspace_id
            and lines.model = measured_things.line_model
            and lines.cost_type = measured_things.cost_type
            and lines.token_type = measured_things.token_type
            and lines.service_tier = measured_things.service_tier
),

things as (
    select
        activity_date,
        organization_id,
        workspace_id,
        model,
        cost_type,
        token_type,
        service_tier,
        context_window,
        inference_geo,
        measured_usd,
        sum(amount_usd) as amount_usd,
        cast(count(*) + max(measured_rows) as numeric) * cast('0.000000001' as numeric) as rounding_usd,
        row_number() over (
            order by
                activity_date, organization_id, workspace_id, model, cost_type, token_type, service_tier,
                context_window, inference_geo
        ) as thing
    from marked
    group by
        activity_date, organization_id, workspace_id, model, cost_type, token_type, service_tier, context_window,
        inference_geo, measured_usd
),

kinds as (
    select kind
    from unnest([
        'uncached_input_tokens',
        'output_tokens',
        'cache_read_input_tokens',
        'cache_creation.ephemeral_5m_input_tokens',
        'cache_creation.ephemeral_1h_input_tokens',
        'web_search'
    ]) as kind
),

used as (
    select
        tokens.activity_date,
        tokens.api_key_id,
        kinds.kind,
        coalesce(tokens.workspace_id, default_workspace.workspace_id) as workspace_id,
        if(kinds.kind = 'web_search', '', coalesce(tokens.model, '')) as model,
        if(kinds.kind = 'web_search', '', coalesce(tokens.service_tier, 'standard')) as service_tier,
        if(kinds.kind = 'web_search', '', coalesce(tokens.context_window, '')) as context_window,
        if(kinds.kind = 'web_search', '', coalesce(tokens.inference_geo, '')) as inference_geo,
        case kinds.kind
            when 'uncached_input_tokens' then tokens.uncached_input_tokens
            when 'output_tokens' then tokens.output_tokens
            when 'cache_read_input_tokens' then tokens.cache_read_input_tokens
            when 'cache_creation.ephemeral_5m_input_tokens' then tokens.cache_creation_5m_tokens
            when 'cache_creation.ephemeral_1h_input_tokens' then tokens.cache_creation_1h_tokens
            else tokens.web_search_requests
        end as units
    from ai_usage_analytics.claude_usage_tokens as tokens
    cross join kinds
    cross join default_workspace
    where
        tokens.activity_date between @first_day and @last_day
        and coalesce(tokens.service_tier, '') not like 'priority%'
),

of_keys as (
    select
        things.thing,
        used.api_key_id,
        sum(used.units) as units
    from things
    inner join used
        on
            things.activity_date = used.activity_date
            and things.workspace_id = used.workspace_id
            and things.model = used.model
            and things.service_tier = used.service_tier
            and if(things.token_type = '', things.cost_type, things.token_type) = used.kind
            and (things.measured_usd is not null or things.context_window = used.context_window)
            and (things.measured_usd is not null or things.inference_geo = used.inference_geo)
    where used.units > 0
    group by things.thing, used.api_key_id
),

matched as (
    select
        things.thing,
        things.amount_usd = things.measured_usd as is_exact,
        measured.product,
        measured.api_key_id,
        coalesce(measured.api_key_id, '') as pool,
        measured.actor_type,
        measured.user_email as actor_email,
        measured.model,
        measured.amount_usd,
        measured.list_usd
    from things
    inner join measured
        on
            things.activity_date = measured.activity_date
            and things.workspace_id = measured.workspace_id
            and things.model = measured.line_model
            and things.cost_type = measured.cost_type
            and things.token_type = measured.token_type
            and things.service_tier = measured.service_tier
    where things.measured_usd is not null
),

pools as (
    select
        thing,
        pool,
        sum(amount_usd) as pool_usd
    from matched
    group by thing, pool
),

pool_units as (
    select
        pools.thing,
        pools.pool,
        cast(of_keys.units as float64) as units,
        nullif(cast(pools.pool_usd as float64), 0) as pool_usd
    from pools
    inner join of_keys on pools.thing = of_keys.thing and pools.pool = coalesce(of_keys.api_key_id, '')
),

told as (
    select
        matched.thing,
        matched.is_exact,
        matched.product,
        matched.api_key_id,
        matched.actor_type,
        matched.actor_email,
        matched.model,
        matched.amount_usd,
        matched.list_usd,
        cast(greatest(matched.amount_usd, cast(0 as numeric)) * 1000000000 as int64) as weight,
        cast(round(
            pool_units.units * cast(matched.amount_usd as float64) / pool_units.pool_usd
        ) as int64) as units
    from matched
    left join pool_units on matched.thing = pool_units.thing and matched.pool = pool_units.pool
),

parts as (
    select
        told.thing,
        told.product,
        told.api_key_id,
        told.actor_type,
        told.actor_email,
        told.model,
        told.list_usd,
        told.units,
        told.weight
    from told
    where not told.is_exact
    union all
    select
        of_keys.thing,
        cast(null as string) as product,
        of_keys.api_key_id,
        cast(null as string) as actor_type,
        cast(null as string) as actor_email,
        cast(null as string) as model,
        cast(null as numeric) as list_usd,
        of_keys.units,
        of_keys.units as weight
    from of_keys
    inner join things on of_keys.thing = things.thing
    where things.measured_usd is null
    union all
    select
        things.thing,
        cast(null as string) as product,
        cast(null as string) as api_key_id,
        cast(null as string) as actor_type,
        cast(null as string) as actor_email,
        cast(null as string) as model,
        cast(null as numeric) as list_usd,
        cast(null as int64) as units,
        1 as weight
    from things
    left join of_keys on things.thing = of_keys.thing
    where things.measured_usd is null and of_keys.thing is null
),

weighed as (
    select
        parts.*,
        things.amount_usd as whole_usd,
        cast(things.amount_usd * 1000000000 as int64) as whole_nano_usd,
        cast(sum(parts.weight) over (partition by parts.thing) as int64) as whole_weight
    from parts
    inner join things on parts.thing = things.thing
),

-- Rounded down in floating point, which may be off by one; the exact remainder tells, and sets it right.
floored as (
    select
        weighed.*,
        cast(floor(
            cast(whole_nano_usd as float64) * cast(weight as float64) / cast(whole_weight as float64)
        ) as int64) as nano_usd
    from weighed
),

remainders as (
    select
        floored.*,
        cast(cast(whole_weight as numeric) * cast('0.000000001' as numeric) as numeric) as one_nano,
        whole_usd * weight
        - cast(cast(nano_usd as numeric) * cast('0.000000001' as numeric) as numeric) * whole_weight as remainder
    from floored
),

corrected as (
    select
        remainders.* except (nano_usd, remainder),
        nano_usd + case when remainder < 0 then -1 when remainder >= one_nano then 1 else 0 end as nano_usd,
        case
            when remainder < 0 then remainder + one_nano
            when remainder >= one_nano then remainder - one_nano
            else remainder
        end as remainder
    from remainders
),

ranked as (
    select
        corrected.*,
        whole_nano_usd - cast(sum(nano_usd) over (partition by thing) as int64) as left_nano_usd,
        row_number() over (
            partition by thing
            order by remainder desc, api_key_id asc, product asc, actor_type asc, actor_email asc, model asc
        ) as place
    from corrected
),

payers as (
    select
        told.thing,
        told.product,
        told.api_key_id,
        told.actor_type,
        told.actor_email,
        told.model,
        told.list_usd,
        told.units,
        told.amount_usd as cost_usd
    from told
    where told.is_exact
    union all
    select
        ranked.thing,
        ranked.product,
        ranked.api_key_id,
        ranked.actor_type,
        ranked.actor_email,
        ranked.model,
        ranked.list_usd,
        ranked.units,
        cast(
            cast(ranked.nano_usd + if(ranked.place <= ranked.left_nano_usd, 1, 0) as numeric)
            * cast('0.000000001' as numeric) as numeric
        ) as cost_usd
    from ranked
),

shares as (
    select
        things.activity_date,
        things.organization_id,
        things.workspace_id,
        payers.product,
        payers.api_key_id,
        payers.actor_type,
        payers.actor_email,
        payers.list_usd,
        payers.units,
        payers.cost_usd,
        coalesce(payers.model, nullif(things.model, '')) as model,
        nullif(things.cost_type, '') as cost_type,
        nullif(things.token_type, '') as token_type,
        nullif(things.service_tier, '') as service_tier,
        case
            when abs(things.amount_usd - things.measured_usd) <= things.rounding_usd then 'measured'
            when things.measured_usd is not null then 'proportional'
            when payers.units is null then 'none'
            when things.token_type = '' then 'requests'
            else 'tokens'
        end as allocation_method
    from payers
    inner join things on payers.thing = things.thing
)

select
    activity_date as expense_date,
    organization_id,
    workspace_id,
    model,
    cost_type,
    token_type,
    service_tier,
    product,
    api_key_id,
    actor_type,
    actor_email,
    allocation_method,
    sum(cost_usd) as cost_usd,
    sum(list_usd) as list_usd,
    sum(units) as units
from shares
group by
    activity_date, organization_id, workspace_id, model, cost_type, token_type, service_tier, product, api_key_id,
    actor_type, actor_email, allocation_method
