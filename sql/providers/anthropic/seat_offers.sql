-- Anthropic's rows of seat_offers: the purchased plans, the Claude API, and where all purchased plans are Team Standard
-- or Team Premium the other one (25 and 125 USD by the month; claude.com/pricing, read 2026-10-18). Premium has five
-- times the use of Standard (6.25 and 1.25 times that of Pro). Anthropic does not publish what a seat includes: it is
-- at least the most that a person used of one in a month of the last 84 days, by Anthropic's own estimate; with Premium
-- among the plans it is that of Premium. Use beyond it is charged at the prices of the API.
with tiers as (
    select
        as_of_date,
        max(plans) as plans,
        max(standards) as standards,
        max(premiums) as premiums
    from ai_usage_analytics.claude_seat_tiers
    group by as_of_date
),

months as (
    select sum(used.included_usd) as included_usd
    from ai_usage_analytics.claude_seat_days as used
    inner join tiers
        on
            used.activity_date > date_sub(tiers.as_of_date, interval 84 day)
            and used.activity_date <= tiers.as_of_date
    where used.included_usd is not null
    group by used.user_email, date_trunc(used.activity_date, month)
),

observed as (
    select max(included_usd) as included_usd
    from months
),

offers as (
    select
        plan_name as option_name,
        tier,
        seat_price_usd,
        'Price as purchased.' as price_source
    from ai_usage_analytics.claude_seat_tiers
    where plan_name is not null
    union all
    select
        'Team Standard' as option_name,
        'standard' as tier,
        cast(25 as numeric) as seat_price_usd,
        'List price of Team Standard by the month, read 2026-10-18.' as price_source
    from tiers
    where premiums = plans and plans > 0
    union all
    select
        'Team Premium' as option_name,
        'premium' as tier,
        cast(125 as numeric) as seat_price_usd,
        'List price of Team Premium by the month, read 2026-10-18.' as price_source
    from tiers
    where standards = plans and plans > 0
)

select
    offers.option_name,
    true as is_seat,
    offers.seat_price_usd,
    case
        when offers.tier = 'standard' and tiers.premiums > 0
            then cast(observed.included_usd * cast('0.2' as numeric) as numeric)
        when offers.tier = 'premium' and tiers.premiums = 0 then cast(observed.included_usd * 5 as numeric)
        when offers.tier != 'other' or tiers.plans = 1 then observed.included_usd
    end as included_usd,
    concat(
        offers.price_source,
        ' Included use is not published: at least the most that a person used of a seat in a month',
        case
            when offers.tier = 'standard' and tiers.premiums > 0 then ', of Premium, divided by 5.'
            when offers.tier = 'premium' and tiers.premiums = 0 then ', times 5 for Premium.'
            when offers.tier != 'other' or tiers.plans = 1 then '.'
            else '; of this plan it is not known.'
        end
    ) as assumption
from offers
cross join tiers
cross join observed
union all
select
    'Claude API' as option_name,
    false as is_seat,
    cast(0 as numeric) as seat_price_usd,
    cast(0 as numeric) as included_usd,
    'Claude Code at list price, by the estimate of Anthropic. Without chat, which needs a seat.' as assumption
from tiers
