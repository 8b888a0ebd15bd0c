-- The seats of Cursor that are paid for on each day, as purchased. The sheet's tab `seats` has how many at what price:
-- a member's seat costs that price, and unassigned seats are on a separate row. Each team
-- bills its own seat: a member of two teams has two. Where plans of several prices are purchased, or fewer seats than
-- there are members, it is not known what a member's seat costs: the money of each plan is then on a row without a
-- member, and the members' rows have no price. On days for which the sheet has no plan, each member has a seat at the
-- price in CURSOR_PLANS. A member with a free seat (free-owner) has no row, and neither has a day that Cursor was not
-- asked about.
--
-- grain: one member's seat in one team, the unassigned seats, or one plan with unknown members, on one UTC day
-- question: Which Cursor seats were paid on a day, and by whom were they used?
-- example: select activity_date, plan_name, user_email, seat_usd, is_assigned from ai_usage_analytics.cursor_seats
--   order by activity_date, seat_usd desc
-- built: daily by activity_date
-- group: cursor
-- blocked by: cursor
-- cluster: user_email
-- columns:
--   activity_date date not null: a UTC day that Cursor was asked about
--   account string: the account of the member's team; null without a member
--   user_email string: the member, lower-case; null where Cursor sends no address, and without a member
--   plan_name string: as the sheet, or CURSOR_PLANS, calls it; null without one, and where it is one of several
--   seats integer: number of seats; null for a member if the rows of the plans count the seat
--   seat_usd numeric: one seat's share of the month, rounded so that a whole month adds up to the price; null while the
--     price is not known
--   is_assigned boolean not null: whether it is a member's seat; false if no member has it, or the member is not known
--   subscription_included_reqs integer: for a member, events within included usage
--   estimated_cost_usd numeric: for a member, the request formula of legacy plans for the whole day
with free_seats as (
    select
        account,
        user_email
    from ai_usage_analytics.dim_cursor_member
    group by account, user_email
    having logical_and(role = 'free-owner')
),

days as (
    select distinct
        activity_date,
        extract(day from activity_date) as day_of_month,
        extract(day from last_day(activity_date)) as days_in_month
    from ai_usage_raw.pulls
    where
        pull = 'cursor_usage_events'
        and activity_date between @first_day and @last_day
),

purchases as (
    select
        days.activity_date,
        purchased.plan as plan_name,
        sum(purchased.seats) as seats,
        div(cast(purchased.seat_price_usd * 1000000000 as int64) * days.day_of_month, days.days_in_month)
        - div(cast(purchased.seat_price_usd * 1000000000 as int64) * (days.day_of_month - 1), days.days_in_month)
            as seat_nano_usd
    from days
    inner join ai_usage_analytics.seats as purchased
        on
            (purchased.valid_from is null or days.activity_date >= purchased.valid_from)
            and (purchased.valid_to is null or days.activity_date < purchased.valid_to)
    where purchased.provider = 'cursor'
    group by
        days.activity_date, days.day_of_month, days.days_in_month, purchased.plan, purchased.seat_price_usd
),

purchased_days as (
    select
        activity_date,
        sum(seats) as seats,
        if(min(plan_name) = max(plan_name), min(plan_name), null) as plan_name,
        if(min(seat_nano_usd) = max(seat_nano_usd), min(seat_nano_usd), null) as seat_nano_usd
    from purchases
    group by activity_date
),

-- In one team, one address is one seat, even with several ids; for members without an address, each id is a seat.
members as (
    select
        stats.activity_date,
        stats.account,
        stats.user_email,
        if(stats.user_email is null, count(*), 1) as seats,
        if(stats.user_email is null, 0, count(*) - 1) as more_ids,
        sum(stats.subscription_included_reqs) as subscription_included_reqs,
        sum(stats.estimated_cost_usd) as estimated_cost_usd
    from ai_usage_analytics.cursor_usage_stats as stats
    left join free_seats on stats.account = free_seats.account and stats.user_email = free_seats.user_email
    where
        stats.activity_date between @first_day and @last_day
        and free_seats.user_email is null
    group by stats.activity_date, stats.account, stats.user_email
),

member_days as (
    select
        activity_date,
        sum(seats) as seats
    from members
    group by activity_date
),

listed as (
    select
        days.activity_date,
        plan.plan_name,
        div(cast(plan.seat_price_usd * 1000000000 as int64) * days.day_of_month, days.days_in_month)
        - div(cast(plan.seat_price_usd * 1000000000 as int64) * (days.day_of_month - 1), days.days_in_month)
            as seat_nano_usd
    from days
    inner join ai_usage_analytics.dim_cursor_plan as plan
        on
            days.activity_date >= plan.valid_from
            and (plan.valid_to is null or days.activity_date < plan.valid_to)
),

plans as (
    select
        days.activity_date,
        listed.seat_nano_usd as listed_nano_usd,
        coalesce(purchased_days.seats, 0) - coalesce(member_days.seats, 0) as unassigned_seats,
        purchased_days.activity_date is not null as is_purchased,
        if(purchased_days.activity_date is null, listed.plan_name, purchased_days.plan_name) as plan_name,
        case
            when purchased_days.activity_date is null then listed.seat_nano_usd
            when purchased_days.seats >= coalesce(member_days.seats, 0) then purchased_days.seat_nano_usd
        end as seat_nano_usd
    from days
    left join purchased_days on days.activity_date = purchased_days.activity_date
    left join member_days on days.activity_date = member_days.activity_date
    left join listed on days.activity_date = listed.activity_date
),

seat_rows as (
    select
        members.activity_date,
        members.account,
        members.user_email,
        members.subscription_included_reqs,
        plans.plan_name,
        plans.seat_nano_usd,
        true as is_assigned,
        if(plans.is_purchased and plans.seat_nano_usd is null, null, members.seats) as seats,
        cast(
            members.estimated_cost_usd
            - if(
                members.more_ids = 0, cast(0 as numeric),
                cast(members.more_ids * plans.listed_nano_usd as numeric) * cast('0.000000001' as numeric)
            ) as numeric
        ) as estimated_cost_usd
    from members
    inner join plans on members.activity_date = plans.activity_date
    union all
    select
        activity_date,
        cast(null as string) as account,
        cast(null as string) as user_email,
        cast(null as int64) as subscription_included_reqs,
        plan_name,
        seat_nano_usd,
        false as is_assigned,
        unassigned_seats as seats,
        cast(null as numeric) as estimated_cost_usd
    from plans
    where
        is_purchased
        and seat_nano_usd is not null
        and unassigned_seats > 0
    union all
    select
        purchases.activity_date,
        cast(null as string) as account,
        cast(null as string) as user_email,
        cast(null as int64) as subscription_included_reqs,
        purchases.plan_name,
        purchases.seat_nano_usd,
        false as is_assigned,
        purchases.seats,
        cast(null as numeric) as estimated_cost_usd
    from purchases
    inner join plans on purchases.activity_date = plans.activity_date
    where
        plans.seat_nano_usd is null
        and purchases.seats > 0
)

select
    activity_date,
    account,
    user_email,
    plan_name,
    seats,
    cast(seat_nano_usd as numeric) * cast('0.000000001' as numeric) as seat_usd,
    is_assigned,
    subscription_included_reqs,
    estimated_cost_usd
from seat_rows
