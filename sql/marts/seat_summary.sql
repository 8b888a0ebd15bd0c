-- Seats by plan: how many are purchased, assigned and used, how many are idle or under-used, and what the idle ones
-- cost. seat_use has the rules and their exemptions. Purchased seats are those of the sheet, else the assigned and
-- unassigned ones that the provider lists. Of a provider that does not list the members of its seats, assigned, idle
-- and under-used seats are not known; active are then the people who used a seat in the last 28 days. If several plans
-- are purchased and no API lists who has which, the members are on a row without a plan.
--
-- grain: one plan of one provider, as of the last known day, and the members with an unknown plan
-- question: How many seats of each plan are purchased, assigned, active and idle?
-- example: select provider, plan_name, purchased, assigned, active, under_used, idle, unassigned, idle_usd from
--   ai_usage_analytics.seat_summary order by provider, plan_name
-- built: view
-- group: activity
-- columns:
--   provider string not null: as in dim_provider
--   plan_name string: as in the sheet, else as the provider calls it; null for members with an unknown plan
--   as_of_date date not null: the last day for which the provider's seats, or their use, are known
--   seat_price_usd numeric: price of one seat for a calendar month; null where it is not known
--   purchased integer: seats; null where it is not known
--   assigned integer: seats with a member; null where the provider lists no members
--   unassigned integer: seats without one; likewise
--   active integer: members who used the seat in the last 28 days; null if nothing is known of its use
--   under_used integer: members who used it on fewer days than one a week; null where the provider lists no members
--   idle integer: members who did not use it, without exemption; likewise
--   exempt integer: members on leave or new, who are neither idle nor under-used; likewise
--   idle_usd numeric: the monthly price of the idle and unassigned seats; null where that of one is not known, and
--     where the provider lists no members
--   cheapest_for integer: people with enough known use for whom the plan is the cheapest legal option; null where
--     seat_plans has no person of the provider
with newest as (
    select
        provider,
        max(activity_date) as as_of_date
    from ai_usage_analytics.settled_days
    group by provider
),

sheet as (
    select
        bought.provider,
        bought.plan as plan_name,
        max(newest.as_of_date) as as_of_date,
        max(bought.seat_price_usd) as seat_price_usd,
        sum(bought.seats) as seats
    from newest
    inner join ai_usage_analytics.seats as bought
        on
            newest.provider = bought.provider
            and (bought.valid_from is null or newest.as_of_date >= bought.valid_from)
            and (bought.valid_to is null or newest.as_of_date < bought.valid_to)
    group by bought.provider, bought.plan
),

listed as (
    select
        provider,
        plan_name,
        max(as_of_date) as as_of_date,
        if(min(seat_price_usd) = max(seat_price_usd), max(seat_price_usd), null) as seat_price_usd,
        sum(if(is_assigned, seats, 0)) as assigned,
        sum(if(is_assigned, 0, seats)) as unassigned,
        sum(if(days_active > 0, seats, 0)) as active,
        sum(if(is_under_used, seats, 0)) as under_used,
        sum(if(is_idle, seats, 0)) as idle,
        sum(if(is_exempt, seats, 0)) as exempt,
        if(
            countif((is_idle or not is_assigned) and saving_usd is null) > 0,
            null, coalesce(sum(saving_usd), cast(0 as numeric))
        ) as idle_usd
    from ai_usage_analytics.seat_use
    group by provider, plan_name
),

in_sheet as (
    select distinct provider
    from sheet
),

listing as (
    select distinct provider
    from listed
),

-- Of providers that do not list the members of their seats.
seen as (
    select
        plans.provider,
        plans.current_option as plan_name,
        max(plans.as_of_date) as as_of_date,
        count(distinct plans.user_email) as active
    from ai_usage_analytics.seat_plans as plans
    left join listing on plans.provider = listing.provider
    left join ai_usage_analytics.seat_options as choices
        on
            plans.provider = choices.provider
            and plans.user_email = choices.user_email
            and plans.current_option = choices.option_name
    where listing.provider is null and coalesce(choices.is_seat, true)
    group by plans.provider, plans.current_option
),

plans as (
    select
        provider,
        plan_name
    from sheet
    union distinct
    select
        provider,
        plan_name
    from listed
    union distinct
    select
        provider,
        plan_name
    from seen
),

cheapest as (
    select
        provider,
        best_option,
        count(*) as people
    from ai_usage_analytics.seat_plans
    where status in ('saving', 'cheapest', 'uncertain', 'plan_unknown')
    group by provider, best_option
),

compared as (
    select distinct provider
    from cheapest
)

select
    plans.provider,
    plans.plan_name,
    coalesce(listed.as_of_date, seen.as_of_date, sheet.as_of_date) as as_of_date,
    coalesce(sheet.seat_price_usd, listed.seat_price_usd) as seat_price_usd,
    coalesce(sheet.seats, if(in_sheet.provider is null, listed.assigned + listed.unassigned, null)) as purchased,
    listed.assigned,
    listed.unassigned,
    coalesce(listed.active, seen.active) as active,
    listed.under_used,
    listed.idle,
    listed.exempt,
    listed.idle_usd,
    if(compared.provider is null or plans.plan_name is null, null, coalesce(cheapest.people, 0)) as cheapest_for
from plans
left join sheet on plans.provider = sheet.provider and plans.plan_name = sheet.plan_name
left join in_sheet on plans.provider = in_sheet.provider
left join listed
    on plans.provider = listed.provider and coalesce(plans.plan_name, '') = coalesce(listed.plan_name, '')
left join seen on plans.provider = seen.provider and coalesce(plans.plan_name, '') = coalesce(seen.plan_name, '')
left join cheapest on plans.provider = cheapest.provider and plans.plan_name = cheapest.best_option
left join compared on plans.provider = compared.provider
