-- Each payer's share of each priced thing, in USD. The shares of a thing add up exactly to its cost. A measured share
-- is not changed. Others are the thing's cost in proportion to claude_payer_weights, rounded down to the
-- nano-dollar; the nano-dollars that are left go to the largest remainders, one each.
--
-- grain: one payer's share of one priced thing on one UTC day
-- step of: claude_cost_shares
-- built: daily by activity_date
-- group: claude
-- blocked by: anthropic
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: as in claude_priced_things
--   product string: as in claude_payer_weights, as are the next six
--   api_key_id string: null without a key, or without a payer
--   actor_type string: as analytics has it
--   actor_email string: the user that analytics names, lower-case
--   model string: as analytics has it
--   list_usd numeric: the measured cost at list price
--   units integer: tokens of the type, or searches; null where nothing counts them
--   is_whole boolean not null: no other payer has a part of the thing, or the share is as measured
--   cost_usd numeric not null: the share, in USD
with weights as (
    select *
    from ai_usage_analytics.claude_payer_weights
    where activity_date between @first_day and @last_day
),

-- The payers among whom a thing is split, and the sum of their weights.
pools as (
    select
        activity_date,
        account,
        thing,
        count(*) as payers,
        cast(sum(weight) as int64) as thing_weight
    from weights
    where exact_usd is null
    group by activity_date, account, thing
),

-- A share as measured has no pool.
weighed as (
    select
        weights.*,
        pools.thing_weight,
        coalesce(pools.payers, 1) as payers
    from weights
    left join pools
        on
            weights.activity_date = pools.activity_date
            and weights.account = pools.account
            and weights.thing = pools.thing
),

-- Rounded down in floating point, which may be off by one; the exact remainder shows that and corrects it.
floored as (
    select
        weighed.*,
        cast(thing_usd * 1000000000 as int64) as thing_nano_usd,
        cast(floor(
            cast(cast(thing_usd * 1000000000 as int64) as float64)
            * cast(weight as float64)
            / cast(thing_weight as float64)
        ) as int64) as nano_usd
    from weighed
    where payers > 1
),

remainders as (
    select
        floored.*,
        cast(cast(thing_weight as numeric) * cast('0.000000001' as numeric) as numeric) as one_nano,
        thing_usd * weight
        - cast(cast(nano_usd as numeric) * cast('0.000000001' as numeric) as numeric) * thing_weight as remainder
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
        thing_nano_usd
        - cast(sum(nano_usd) over (partition by activity_date, account, thing) as int64) as left_nano_usd,
        row_number() over (
            partition by activity_date, account, thing
            order by remainder desc, api_key_id asc, product asc, actor_type asc, actor_email asc, model asc
        ) as place
    from corrected
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
    list_usd,
    units,
    true as is_whole,
    coalesce(exact_usd, thing_usd) as cost_usd
from weighed
where payers = 1
union all
select
    activity_date,
    account,
    thing,
    product,
    api_key_id,
    actor_type,
    actor_email,
    model,
    list_usd,
    units,
    weight = thing_weight as is_whole,
    cast(
        cast(nano_usd + if(place <= left_nano_usd, 1, 0) as numeric) * cast('0.000000001' as numeric) as numeric
    ) as cost_usd
from ranked
