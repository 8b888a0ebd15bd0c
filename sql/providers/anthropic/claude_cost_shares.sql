-- Who used each priced thing: every cost line allocated to its payers, and nothing lost.
-- Where analytics/cost measures what keys and actors cost, its rows are the shares: as they are if they add up to what
-- was charged, else as proportions of it. Analytics have no service tier: where a payer's measured cost spans lines of
-- several tiers, it is split by the tokens of each, and what the tokens leave over fills up both sums in order, so that
-- every payer's total is the measured one and every tier's is what was charged.
-- Otherwise a line is allocated by tokens of its own type (web searches by searches) within day, workspace, model, tier
-- and context window, and geography and speed where claude_usage_by_line has them: rounded down to the nano-dollar, and
-- what is left goes to the largest remainders. A cost that no source attributes stays whole, without a payer.
--
-- grain: one person's or key's share of one priced thing on one UTC day
-- built: daily by expense_date
-- group: claude
-- blocked by: anthropic
-- cluster: workspace_id, api_key_id
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought, and where a measured cost spans several
--     tiers of which one has a credit
--   product string: as analytics has it; null where the share is not measured
--   api_key_id string: null without a key: Console, Workbench, a person who signed in, or unknown
--   actor_type string: as analytics has it; null where the share is not measured
--   actor_email string: the user that analytics names, lower-case
--   allocation_method string not null: measured, proportional (analytics, scaled to what was charged), tokens (at one
--     price), estimated (by tokens, at several prices: the reports do not show which key paid which), requests (web
--     searches), or none (no source attributes it)
--   cost_usd numeric not null: the share, in USD
--   list_usd numeric: the same at list price, where it is measured
--   units integer: tokens of the type, or searches; null where nothing counts them
with measured as (
    select
        activity_date,
        account,
        workspace_id,
        product,
        api_key_id,
        actor_type,
        user_email,
        model,
        if(token_type is null, '', coalesce(model, '')) as line_model,
        coalesce(cost_type, '') as cost_type,
        coalesce(token_type, '') as token_type,
        coalesce(token_type is not null and product = 'message_batches_api', false) as is_batch,
        sum(amount_usd) as amount_usd,
        sum(list_usd) as list_usd
    from ai_usage_analytics.claude_measured_costs
    where
        activity_date between @first_day and @last_day
        and is_in_cost_report
    group by
        activity_date, account, workspace_id, product, api_key_id, actor_type, user_email, model, line_model,
        cost_type, token_type, is_batch
),

line_tokens as (
    select
        by_line.activity_date,
        by_line.account,
        coalesce(by_line.workspace_id, defaults.workspace_id, 'default') as workspace_id,
        coalesce(by_line.model, '') as model,
        by_line.token_type,
        by_line.api_key_id,
        coalesce(by_line.service_tier, 'standard') as service_tier,
        coalesce(by_line.context_window, '') as context_window,
        coalesce(by_line.inference_geo, '') as inference_geo,
        coalesce(by_line.speed, '') as speed,
        by_line.tokens
    from ai_usage_analytics.claude_usage_by_line as by_line
    left join ai_usage_analytics.claude_default_workspaces as defaults on by_line.account = defaults.account
    where by_line.activity_date between @first_day and @last_day
),

line_cells as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        max(inference_geo) != '' as has_geos,
        max(speed) != '' as has_speeds
    from line_tokens
    group by activity_date, account, workspace_id, model, token_type
),

beside as (
    select
        lines.*,
        matches.measured_rows,
        coalesce(matches.is_together, false) as is_together,
        case
            when matches.is_together then matches.measured_usd
            when lines.is_batch then matches.batch_usd
            else matches.measured_usd - matches.batch_usd
        end as measured_usd,
        coalesce(
            case
                when matches.is_together then matches.positive_rows
                when lines.is_batch then matches.positive_batch_rows
                else matches.positive_rows - matches.positive_batch_rows
            end, 0
        ) > 0 as is_measured
    from ai_usage_analytics.claude_charged_lines as lines
    left join ai_usage_analytics.claude_measured_cells as matches
        on
            lines.activity_date = matches.activity_date
            and lines.account = matches.account
            and lines.workspace_id = matches.workspace_id
            and lines.model = matches.model
            and lines.cost_type = matches.cost_type
            and lines.token_type = matches.token_type
            and matches.activity_date between @first_day and @last_day
    where lines.activity_date between @first_day and @last_day
),

marked as (
    select
        beside.activity_date,
        beside.account,
        beside.organization_id,
        beside.workspace_id,
        beside.model,
        beside.cost_type,
        beside.token_type,
        beside.service_tier,
        beside.amount_usd,
        if(beside.is_measured, beside.measured_usd, null) as measured_usd,
        if(beside.is_measured, beside.measured_rows, null) as measured_rows,
        case
            when not beside.is_measured then beside.service_tier
            when beside.is_together then 'all'
            when beside.is_batch then 'batch'
            else 'other'
        end as tiers,
        not beside.is_measured and line_cells.activity_date is not null as is_apart,
        if(beside.is_measured, '', beside.context_window) as context_window,
        if(not beside.is_measured and line_cells.has_geos, beside.inference_geo, '') as inference_geo,
        if(not beside.is_measured and line_cells.has_speeds, beside.speed, '') as speed
    from beside
    left join line_cells
        on
            beside.activity_date = line_cells.activity_date
            and beside.account = line_cells.account
            and beside.workspace_id = line_cells.workspace_id
            and beside.model = line_cells.model
            and beside.token_type = line_cells.token_type
),

-- A thing is what one set of payers shares; it has one tier, or if analytics measure it, maybe several.
tiers_of_things as (
    select
        activity_date,
        account,
        organization_id,
        workspace_id,
        model,
        cost_type,
        token_type,
        tiers,
        is_apart,
        context_window,
        inference_geo,
        speed,
        service_tier,
        measured_usd,
        sum(amount_usd) as amount_usd,
        count(*) as line_count,
        max(measured_rows) as measured_rows,
        dense_rank() over (
            order by
                activity_date, account, organization_id, workspace_id, model, cost_type, token_type, tiers,
                context_window, inference_geo, speed
        ) as thing
    from marked
    group by
        activity_date, account, organization_id, workspace_id, model, cost_type, token_type, tiers, is_apart,
        context_window, inference_geo, speed, service_tier, measured_usd
),

things as (
    select
        thing,
        activity_date,
        account,
        organization_id,
        workspace_id,
        model,
        cost_type,
        token_type,
        tiers,
        measured_usd,
        if(count(*) = 1, max(service_tier), null) as service_tier,
        count(*) > 1 and min(amount_usd) >= 0 as has_tiers,
        sum(amount_usd) as amount_usd,
        sum(line_count) as line_count,
        cast(sum(line_count) + max(measured_rows) as numeric) * cast('0.000000001' as numeric) as rounding_usd
    from tiers_of_things
    group by
        thing, activity_date, account, organization_id, workspace_id, model, cost_type, token_type, tiers, measured_usd
),

of_keys as (
    select
        tiers_of_things.thing,
        tiers_of_things.service_tier,
        used.api_key_id,
        sum(used.units) as units
    from tiers_of_things
    inner join ai_usage_analytics.claude_used_units as used
        on
            tiers_of_things.activity_date = used.activity_date
            and tiers_of_things.account = used.account
            and tiers_of_things.workspace_id = used.workspace_id
            and tiers_of_things.model = used.model
            and tiers_of_things.service_tier = used.service_tier
            and if(tiers_of_things.token_type = '', tiers_of_things.cost_type, tiers_of_things.token_type) = used.kind
            and (tiers_of_things.measured_usd is not null or tiers_of_things.context_window = used.context_window)
    where
        used.activity_date between @first_day and @last_day
        and used.units > 0
        and not tiers_of_things.is_apart
    group by tiers_of_things.thing, tiers_of_things.service_tier, used.api_key_id
    union all
    select
        tiers_of_things.thing,
        tiers_of_things.service_tier,
        line_tokens.api_key_id,
        sum(line_tokens.tokens) as units
    from tiers_of_things
    inner join line_tokens
        on
            tiers_of_things.activity_date = line_tokens.activity_date
            and tiers_of_things.account = line_tokens.account
            and tiers_of_things.workspace_id = line_tokens.workspace_id
            and tiers_of_things.model = line_tokens.model
            and tiers_of_things.service_tier = line_tokens.service_tier
            and tiers_of_things.token_type = line_tokens.token_type
            and tiers_of_things.context_window = line_tokens.context_window
            and tiers_of_things.inference_geo = line_tokens.inference_geo
            and tiers_of_things.speed = line_tokens.speed
    where tiers_of_things.is_apart
    group by tiers_of_things.thing, tiers_of_things.service_tier, line_tokens.api_key_id
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
            and things.account = measured.account
            and things.workspace_id = measured.workspace_id
            and things.model = measured.line_model
            and things.cost_type = measured.cost_type
            and things.token_type = measured.token_type
            and (things.tiers = 'all' or things.tiers = if(measured.is_batch, 'batch', 'other'))
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
        cast(sum(of_keys.units) as float64) as units,
        nullif(cast(pools.pool_usd as float64), 0) as pool_usd
    from pools
    inner join of_keys on pools.thing = of_keys.thing and pools.pool = coalesce(of_keys.api_key_id, '')
    group by pools.thing, pools.pool, pools.pool_usd
),

rated as (
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
        cast(round(
            pool_units.units * cast(matched.amount_usd as float64) / pool_units.pool_usd
        ) as int64) as units
    from matched
    left join pool_units on matched.thing = pool_units.thing and matched.pool = pool_units.pool
),

parts as (
    select
        rated.thing,
        rated.product,
        rated.api_key_id,
        rated.actor_type,
        rated.actor_email,
        rated.model,
        rated.list_usd,
        rated.units,
        cast(greatest(rated.amount_usd, cast(0 as numeric)) * 1000000000 as int64) as weight
    from rated
    where not rated.is_exact
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

-- Rounded down in floating point, which may be off by one; the exact remainder shows that and corrects it.
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
        rated.thing,
        rated.product,
        rated.api_key_id,
        rated.actor_type,
        rated.actor_email,
        rated.model,
        rated.list_usd,
        rated.units,
        rated.amount_usd as cost_usd,
        true as is_whole
    from rated
    where rated.is_exact
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
        ) as cost_usd,
        ranked.weight = ranked.whole_weight as is_whole
    from ranked
),

-- A payer's cost in each tier: first what the payer's tokens are worth there, as far as the payer's total reaches; then
-- what is left of totals and of tiers, laid side by side in one order, so that both sums come out whole.
spread as (
    select
        payers.*,
        cast(payers.cost_usd * 1000000000 as int64) as payer_nano_usd,
        min(payers.cost_usd) over (partition by payers.thing) as least_usd,
        row_number() over (
            partition by payers.thing
            order by
                if(payers.product = 'message_batches_api', 0, 1), payers.api_key_id, payers.product,
                payers.actor_type, payers.actor_email, payers.model
        ) as payer
    from payers
    inner join things on payers.thing = things.thing
    where things.has_tiers
),

tiers as (
    select
        tiers_of_things.thing,
        tiers_of_things.service_tier,
        cast(tiers_of_things.amount_usd * 1000000000 as int64) as tier_nano_usd,
        row_number() over (
            partition by tiers_of_things.thing
            order by if(tiers_of_things.service_tier = 'batch', 0, 1), tiers_of_things.service_tier
        ) as tier
    from tiers_of_things
    inner join things on tiers_of_things.thing = things.thing
    where things.has_tiers
),

worth as (
    select
        spread.thing,
        spread.payer,
        spread.payer_nano_usd,
        tiers.tier,
        tiers.service_tier,
        tiers.tier_nano_usd,
        cast(of_keys.units as float64)
        * cast(spread.payer_nano_usd as float64)
        / nullif(cast(sum(spread.payer_nano_usd) over pool as float64), 0) as tier_units,
        cast(tiers.tier_nano_usd as float64)
        * cast(of_keys.units as float64)
        * cast(spread.payer_nano_usd as float64)
        / nullif(cast(sum(spread.payer_nano_usd) over pool as float64), 0) as tier_worth
    from spread
    inner join tiers on spread.thing = tiers.thing
    left join of_keys
        on
            spread.thing = of_keys.thing
            and coalesce(spread.api_key_id, '') = coalesce(of_keys.api_key_id, '')
            and tiers.service_tier = of_keys.service_tier
    where spread.least_usd >= 0
    window pool as (partition by spread.thing, tiers.tier, spread.api_key_id)
),

sized as (
    select
        worth.* except (tier_worth),
        coalesce(tier_worth / nullif(sum(tier_units) over (partition by thing, tier), 0), 0) as wanted
    from worth
),

fitted as (
    select
        sized.* except (wanted),
        cast(greatest(
            floor(
                wanted * least(
                    1,
                    cast(payer_nano_usd as float64)
                    / greatest(sum(wanted) over (partition by thing, payer), 1)
                )
            ) - 2, 0
        ) as int64) as fitted_nano_usd
    from sized
),

rests as (
    select
        fitted.*,
        payer_nano_usd - cast(sum(fitted_nano_usd) over (partition by thing, payer) as int64) as payer_rest,
        tier_nano_usd - cast(sum(fitted_nano_usd) over (partition by thing, tier) as int64) as tier_rest
    from fitted
),

laid as (
    select
        rests.*,
        cast(sum(payer_rest) over (
            partition by thing, tier
            order by payer
            rows between unbounded preceding and current row
        ) as int64) as payer_upto,
        cast(sum(tier_rest) over (
            partition by thing, payer
            order by tier
            rows between unbounded preceding and current row
        ) as int64) as tier_upto
    from rests
),

filled as (
    select
        thing,
        payer,
        payer_nano_usd,
        tier,
        service_tier,
        tier_units,
        fitted_nano_usd + greatest(
            least(payer_upto, tier_upto) - greatest(payer_upto - payer_rest, tier_upto - tier_rest), 0
        ) as nano_usd
    from laid
),

-- The list price follows the money, by differences of rounded-down cumulative shares.
tiered as (
    select
        thing,
        payer,
        service_tier,
        tier_units,
        nano_usd,
        if(payer_nano_usd = 0, 1, sum(nano_usd) over upto / payer_nano_usd) as upto_share,
        if(payer_nano_usd = 0, sign(tier - 1), (sum(nano_usd) over upto - nano_usd) / payer_nano_usd) as from_share
    from filled
    window upto as (partition by thing, payer order by tier rows between unbounded preceding and current row)
),

shares as (
    select
        payers.thing,
        payers.product,
        payers.api_key_id,
        payers.actor_type,
        payers.actor_email,
        payers.model,
        payers.list_usd,
        payers.units,
        payers.cost_usd,
        payers.is_whole,
        things.service_tier
    from payers
    inner join things on payers.thing = things.thing
    where not things.has_tiers
    union all
    select
        spread.thing,
        spread.product,
        spread.api_key_id,
        spread.actor_type,
        spread.actor_email,
        spread.model,
        if(
            tiered.thing is null, spread.list_usd,
            cast(
                cast(
                    cast(floor(cast(spread.list_usd as float64) * 1000000000 * tiered.upto_share) as int64)
                    - cast(floor(cast(spread.list_usd as float64) * 1000000000 * tiered.from_share) as int64) as numeric
                ) * cast('0.000000001' as numeric) as numeric
            )
        ) as list_usd,
        if(tiered.thing is null, spread.units, cast(round(tiered.tier_units) as int64)) as units,
        if(
            tiered.thing is null, spread.cost_usd,
            cast(cast(tiered.nano_usd as numeric) * cast('0.000000001' as numeric) as numeric)
        ) as cost_usd,
        spread.is_whole,
        tiered.service_tier
    from spread
    left join tiered on spread.thing = tiered.thing and spread.payer = tiered.payer
),

named as (
    select
        things.activity_date,
        things.account,
        things.organization_id,
        things.workspace_id,
        shares.product,
        shares.api_key_id,
        shares.actor_type,
        shares.actor_email,
        shares.list_usd,
        shares.units,
        shares.cost_usd,
        coalesce(shares.model, nullif(things.model, '')) as model,
        nullif(things.cost_type, '') as cost_type,
        nullif(things.token_type, '') as token_type,
        nullif(shares.service_tier, '') as service_tier,
        case
            when abs(things.amount_usd - things.measured_usd) <= things.rounding_usd then 'measured'
            when things.measured_usd is not null then 'proportional'
            when shares.units is null then 'none'
            when things.token_type = '' then 'requests'
            when things.line_count > 1 and not shares.is_whole then 'estimated'
            else 'tokens'
        end as allocation_method
    from shares
    inner join things on shares.thing = things.thing
)

select
    activity_date as expense_date,
    account,
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
from named
group by
    activity_date, account, organization_id, workspace_id, model, cost_type, token_type, service_tier, product,
    api_key_id, actor_type, actor_email, allocation_method
