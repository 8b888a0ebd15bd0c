-- Cursor's rows of seat_offers: the plans of the sheet (else of CURSOR_PLANS) that are valid on the last known day, the
-- other one of Teams Standard (40 USD) and Teams Premium (120 USD, five times the use; cursor.com/pricing, read
-- 2026-10-07), and no seat. Cursor does not publish what a seat includes: it is the median of the last 84 days' members
-- and months with a charge on top, and without any the most that a member used in a month. With seats of one plan that
-- is what this plan includes. If Standard and Premium are both purchased, who has which is not known, and neither is
-- what they include. A request-based or Enterprise plan is compared with no other.
with newest as (
    select max(as_of_date) as as_of_date
    from ai_usage_analytics.seat_use
    where provider = 'cursor'
),

purchased as (
    select
        seats.plan as plan_name,
        seats.seat_price_usd,
        cast(null as numeric) as overage_usd_a_request
    from ai_usage_analytics.seats as seats
    cross join newest
    where
        seats.provider = 'cursor'
        and (seats.valid_from is null or newest.as_of_date >= seats.valid_from)
        and (seats.valid_to is null or newest.as_of_date < seats.valid_to)
),

in_the_sheet as (
    select count(*) as plans
    from purchased
),

valid_plans as (
    select *
    from purchased
    union all
    select
        plans.plan_name,
        plans.seat_price_usd,
        plans.overage_usd_a_request
    from ai_usage_analytics.dim_cursor_plan as plans
    cross join newest
    cross join in_the_sheet
    where
        in_the_sheet.plans = 0
        and newest.as_of_date >= plans.valid_from
        and (plans.valid_to is null or newest.as_of_date < plans.valid_to)
),

plans as (
    select
        plan_name,
        max(seat_price_usd) as seat_price_usd,
        case
            when lower(plan_name) like '%enterprise%' or max(overage_usd_a_request) is not null then 'other'
            when lower(plan_name) like '%premium%' then 'premium'
            else 'standard'
        end as tier
    from valid_plans
    group by plan_name
),

tiers as (
    select
        countif(tier = 'other') as others,
        countif(tier = 'standard') as standards,
        countif(tier = 'premium') as premiums
    from plans
),

months as (
    select
        sum(if(events.is_chargeable, null, coalesce(events.charged_usd, events.list_usd))) as included_usd,
        coalesce(sum(if(events.is_chargeable, events.charged_usd, null)), cast(0 as numeric)) > 0 as is_charged
    from ai_usage_analytics.cursor_usage_events as events
    cross join newest
    where
        events.service_account_id is null
        and events.activity_date > date_sub(newest.as_of_date, interval 84 day)
        and events.activity_date <= newest.as_of_date
    group by events.account, events.user_email, date_trunc(events.activity_date, month)
),

positions as (
    select
        included_usd,
        is_charged,
        row_number() over (partition by is_charged order by included_usd) as place,
        count(*) over (partition by is_charged) as places
    from months
    where included_usd is not null
),

observed as (
    select
        coalesce(
            max(if(is_charged and place = div(places + 1, 2), included_usd, null)), max(included_usd)
        ) as included_usd,
        countif(is_charged) > 0 as is_median
    from positions
),

offers as (
    select
        plans.plan_name as option_name,
        plans.tier,
        plans.seat_price_usd,
        'Price as purchased.' as price_source
    from plans
    union all
    select
        'Teams Standard' as option_name,
        'standard' as tier,
        cast(40 as numeric) as seat_price_usd,
        'List price of Teams Standard, read 2026-10-07.' as price_source
    from tiers
    where others = 0 and standards = 0 and premiums > 0
    union all
    select
        'Teams Premium' as option_name,
        'premium' as tier,
        cast(120 as numeric) as seat_price_usd,
        'List price of Teams Premium, read 2026-10-07.' as price_source
    from tiers
    where others = 0 and premiums = 0 and standards > 0
)

select
    offers.option_name,
    true as is_seat,
    offers.seat_price_usd,
    case
        when tiers.standards > 0 and tiers.premiums > 0 or tiers.others > 0 then null
        when offers.tier = 'premium' and tiers.premiums = 0 then cast(observed.included_usd * 5 as numeric)
        when offers.tier = 'standard' and tiers.standards = 0
            then cast(observed.included_usd * cast('0.2' as numeric) as numeric)
        else observed.included_usd
    end as included_usd,
    concat(
        offers.price_source,
        case
            when tiers.standards > 0 and tiers.premiums > 0 or tiers.others > 0 then ' Included use is not known.'
            when observed.is_median
                then ' Included use is not published: the median of months with a charge on top'
            else ' Included use is not published: at least the most that a member used in a month'
        end,
        case
            when tiers.standards > 0 and tiers.premiums > 0 or tiers.others > 0 then ''
            when offers.tier = 'premium' and tiers.premiums = 0 then ', times 5 for Premium.'
            when offers.tier = 'standard' and tiers.standards = 0 then ' of Premium, divided by 5.'
            else '.'
        end
    ) as assumption
from offers
cross join tiers
cross join observed
union all
select
    'no seat' as option_name,
    false as is_seat,
    cast(0 as numeric) as seat_price_usd,
    cast(0 as numeric) as included_usd,
    'Nothing was used on any known day.' as assumption
from tiers
