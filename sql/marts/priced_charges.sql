-- Billed rows of ai_spend with quantities and unit prices as price lists have them: per million tokens, per thousand
-- searches. FOCUS: price times quantity is the cost. A charge for which no unit price does that is priced as one unit.
--
-- grain: one billed row of ai_spend: a day, sub-account, key, person, model and meter
-- step of: focus_1_2
-- built: view
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   provider string not null: as in ai_spend
--   account string: the account at the provider; null for seats of the sheet
--   platform string not null: as in ai_spend
--   billing_account_id string not null: as in ai_spend
--   sub_account_id string: the workspace or the like; null for seats, and where none is reported
--   plan_name string: the plan of a seat
--   api_key_id string: the key; null where no key was used, or none is reported
--   user_email string: the person it is attributed to, lower-case
--   team_name string: the team that the cost is attributed to
--   cost_center string: the cost center, likewise
--   model string: as the provider calls it
--   meter string not null: the kind of token, or what else is counted
--   charge_type string not null: usage, subscription or credit
--   is_credit boolean not null: whether it is a credit
--   billed_usd numeric not null: what the provider charged, in USD
--   billing_currency string not null: the currency of the bill
--   billed_cost numeric not null: what the provider charged, in billing_currency
--   list_cost numeric not null: at the published price, where that is known, else billed_cost; in billing_currency
--   has_list_cost boolean not null: whether it is known
--   quantity numeric: as measured; null where nothing was measured
--   unit_name string: Tokens, Requests, Seats, …; null without a quantity
--   pricing_quantity numeric not null: the quantity in pricing_unit, negative where money comes back
--   pricing_unit string not null: 1000000 Tokens, 1000 Requests (web search), Requests, Seats; Units where the charge
--     is no quantity times one price: then the whole charge is one unit
--   list_unit_price numeric not null: list_cost for one pricing_unit; an average where a row mixes tiers
--   contracted_unit_price numeric not null: billed_cost for one pricing_unit, likewise
--   sku_id string not null: provider, model (else plan, else platform) and meter
--   attribution_method string not null: how the person or team was found; unattributed where they were not
--   status string not null: provisional while the provider may restate the day, then final
with converted as (
    select
        *,
        coalesce(billed_amount, billed_usd) as billed_cost,
        coalesce(billed_currency, 'USD') as billing_currency,
        -- A list price in USD, at the rate of the bill.
        if(
            billed_amount is null,
            list_usd,
            cast(
                safe_cast(
                    round(
                        safe_divide(
                            cast(list_usd as float64) * cast(billed_amount as float64), cast(billed_usd as float64)
                        ) * 1000000000
                    ) as int64
                ) as numeric
            ) * cast('0.000000001' as numeric)
        ) as list_amount
    from ai_usage_analytics.ai_spend
    where billed_usd is not null
),

billed as (
    select
        *,
        cast(if(billed_cost < 0, -1, 1) as numeric) as one_charge,
        cast(coalesce(list_amount, billed_cost) as numeric) as list_cost,
        list_amount is not null as has_list_cost,
        if(charge_type = 'subscription', null, sub_account) as sub_account_id,
        if(charge_type = 'subscription', sub_account, null) as plan_name,
        case
            when quantity is not null
                then concat(upper(substr(coalesce(unit, 'units'), 1, 1)), substr(coalesce(unit, 'units'), 2))
        end as unit_name
    from converted
),

-- In the price lists' units: a million tokens, a thousand searches. A refund has a negative quantity.
measured as (
    select
        *,
        cast(
            case
                when unit = 'tokens' then quantity * cast('0.000001' as numeric)
                when meter = 'web_search' then quantity * cast('0.001' as numeric)
                else quantity
            end
            * one_charge as numeric
        ) as blocks,
        case
            when unit = 'tokens' then '1000000 Tokens'
            when meter = 'web_search' then '1000 Requests'
            else unit_name
        end as block_name
    from billed
),

averaged as (
    select
        *,
        cast(
            cast(
                safe_cast(
                    round(safe_divide(cast(list_cost as float64), cast(blocks as float64)) * 1000000000) as int64
                ) as numeric
            ) * cast('0.000000001' as numeric) as numeric
        ) as list_price,
        cast(
            cast(
                safe_cast(
                    round(safe_divide(cast(billed_cost as float64), cast(blocks as float64)) * 1000000000) as int64
                ) as numeric
            ) * cast('0.000000001' as numeric) as numeric
        ) as billed_price
    from measured
),

-- A price of nine decimals does not always bring the cost back: a charge that it misses by more than a billionth is not
-- priced by the block, but as one unit.
tried as (
    select
        *,
        coalesce(
            list_price >= 0
            and billed_price >= 0
            and abs(cast(list_price * blocks as numeric) - list_cost)
            <= cast('0.000000001' as numeric) * greatest(abs(list_cost), cast(1 as numeric))
            and abs(cast(billed_price * blocks as numeric) - billed_cost)
            <= cast('0.000000001' as numeric) * greatest(abs(billed_cost), cast(1 as numeric)),
            false
        ) as has_price
    from averaged
)

select
    spend_date,
    provider,
    account,
    platform,
    billing_account_id,
    sub_account_id,
    plan_name,
    api_key_id,
    user_email,
    team_name,
    cost_center,
    model,
    meter,
    charge_type,
    charge_type = 'credit' as is_credit,
    billed_usd,
    billing_currency,
    billed_cost,
    list_cost,
    has_list_cost,
    quantity,
    unit_name,
    if(has_price, blocks, one_charge) as pricing_quantity,
    if(has_price, block_name, 'Units') as pricing_unit,
    if(has_price, list_price, cast(list_cost * one_charge as numeric)) as list_unit_price,
    if(has_price, billed_price, cast(billed_cost * one_charge as numeric)) as contracted_unit_price,
    concat(provider, '/', coalesce(model, plan_name, platform), '/', meter) as sku_id,
    attribution_method,
    status
from tried
