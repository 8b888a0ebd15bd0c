-- The shares of priced things that span several service tiers, split by tier, since analytics have no tier. First each
-- payer pays in a tier what its tokens cost there, up to its total. Then the rest of the payers' totals and the rest of
-- the tiers' totals are matched in one order, so that every payer's total and every tier's total stay the same. If a
-- payer has a credit, the shares are not split.
--
-- grain: one payer's share of one service tier of one priced thing on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: as in claude_priced_things
--   product string: as in claude_allocated_shares, as are the next four and is_whole
--   api_key_id string: null without a key
--   actor_type string: as analytics has it
--   actor_email string: the user that analytics names, lower-case
--   model string: as analytics has it
--   list_usd numeric: the measured cost at list price; by tier, it follows the billed cost
--   units integer: tokens of the type; null where nothing counts them
--   is_whole boolean not null: the share of the thing is as measured, or that of its only payer
--   cost_usd numeric: the share, in USD
--   service_tier string: null where the share is not split
with payers as (
    select
        shares.*,
        cast(shares.cost_usd * 1000000000 as int64) as payer_nano_usd,
        min(shares.cost_usd) over (
            partition by shares.activity_date, shares.account, shares.thing
        ) >= 0 as is_split,
        row_number() over (
            partition by shares.activity_date, shares.account, shares.thing
            order by
                if(shares.product = 'message_batches_api', 0, 1), shares.api_key_id, shares.product, shares.actor_type,
                shares.actor_email, shares.model
        ) as payer
    from ai_usage_analytics.claude_allocated_shares as shares
    inner join ai_usage_analytics.claude_priced_things as things
        on
            shares.activity_date = things.activity_date
            and shares.account = things.account
            and shares.thing = things.thing
    where things.has_tiers
),

-- Only what analytics measured has several tiers, and none where it is batch alone.
tiers as (
    select
        activity_date,
        account,
        thing,
        service_tier,
        cast(amount_usd * 1000000000 as int64) as tier_nano_usd,
        row_number() over (
            partition by activity_date, account, thing order by if(service_tier = 'batch', 0, 1), service_tier
        ) as tier
    from ai_usage_analytics.claude_priced_tiers
    where measured_usd is not null and tiers != 'batch'
),

-- A payer's units in the tier, as its part of its key's, and the share of the tier's cost that these would be. A share
-- that is not split is one row. The join is an inner one, so that a reader's days are those of both sides.
sized as (
    select
        payers.*,
        tiers.tier,
        if(payers.is_split, tiers.service_tier, null) as service_tier,
        tiers.tier_nano_usd,
        cast(used.units as float64)
        * cast(payers.payer_nano_usd as float64)
        / nullif(cast(sum(payers.payer_nano_usd) over pool as float64), 0) as tier_units,
        cast(tiers.tier_nano_usd as float64)
        * cast(used.units as float64)
        * cast(payers.payer_nano_usd as float64)
        / nullif(cast(sum(payers.payer_nano_usd) over pool as float64), 0) as tier_worth
    from payers
    inner join tiers
        on
            payers.activity_date = tiers.activity_date
            and payers.account = tiers.account
            and payers.thing = tiers.thing
    left join ai_usage_analytics.claude_priced_units as used
        on
            payers.activity_date = used.activity_date
            and payers.account = used.account
            and payers.thing = used.thing
            and coalesce(payers.api_key_id, '') = coalesce(used.api_key_id, '')
            and tiers.service_tier = used.service_tier
            and used.is_measured
    where payers.is_split or tiers.tier = 1
    window pool as (partition by payers.activity_date, payers.account, payers.thing, tiers.tier, payers.api_key_id)
),

valued as (
    select
        sized.* except (tier_worth),
        coalesce(tier_worth / nullif(sum(tier_units) over of_tier, 0), 0) as wanted
    from sized
    window of_tier as (partition by activity_date, account, thing, tier)
),

fitted as (
    select
        valued.* except (wanted),
        cast(greatest(
            floor(
                wanted * least(1, cast(payer_nano_usd as float64) / greatest(sum(wanted) over of_payer, 1))
            ) - 2, 0
        ) as int64) as fitted_nano_usd
    from valued
    window of_payer as (partition by activity_date, account, thing, payer)
),

rests as (
    select
        fitted.*,
        payer_nano_usd - cast(sum(fitted_nano_usd) over of_payer as int64) as payer_rest,
        tier_nano_usd - cast(sum(fitted_nano_usd) over of_tier as int64) as tier_rest
    from fitted
    window
        of_payer as (partition by activity_date, account, thing, payer),
        of_tier as (partition by activity_date, account, thing, tier)
),

laid as (
    select
        rests.*,
        cast(sum(payer_rest) over payers_upto as int64) as payer_upto,
        cast(sum(tier_rest) over tiers_upto as int64) as tier_upto
    from rests
    window
        payers_upto as (
            partition by activity_date, account, thing, tier
            order by payer
            rows between unbounded preceding and current row
        ),
        tiers_upto as (
            partition by activity_date, account, thing, payer
            order by tier
            rows between unbounded preceding and current row
        )
),

filled as (
    select
        laid.*,
        fitted_nano_usd + greatest(
            least(payer_upto, tier_upto) - greatest(payer_upto - payer_rest, tier_upto - tier_rest), 0
        ) as nano_usd
    from laid
),

-- The list price follows the money, by differences of rounded-down cumulative shares.
listed as (
    select
        filled.*,
        if(payer_nano_usd = 0, 1, sum(nano_usd) over upto / payer_nano_usd) as upto_share,
        if(payer_nano_usd = 0, sign(tier - 1), (sum(nano_usd) over upto - nano_usd) / payer_nano_usd) as from_share
    from filled
    window upto as (
        partition by activity_date, account, thing, payer
        order by tier
        rows between unbounded preceding and current row
    )
)

select
    activity_date,
    account,
    thing,
    product,
    api_key_id,
    actor_type,
    actor_email,
    model,
    if(
        is_split,
        cast(
            cast(
                cast(floor(cast(list_usd as float64) * 1000000000 * upto_share) as int64)
                - cast(floor(cast(list_usd as float64) * 1000000000 * from_share) as int64) as numeric
            ) * cast('0.000000001' as numeric) as numeric
        ), list_usd
    ) as list_usd,
    if(is_split, cast(round(tier_units) as int64), units) as units,
    is_whole,
    if(is_split, cast(cast(nano_usd as numeric) * cast('0.000000001' as numeric) as numeric), cost_usd) as cost_usd,
    service_tier
from listed
