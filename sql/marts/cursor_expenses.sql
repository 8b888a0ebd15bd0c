-- What Cursor costs each day and person: the seat's share of the month, and usage billed on top of it. The legacy
-- plans' formula stands beside as an estimate, never to be added.
-- A seat costs its share of the month, rounded so that the shares of a whole month add up to the price; whoever has a
-- free seat (free-owner) has no such row. The price is the sheet's where it has one plan on the day (whose seat is of
-- which plan, it does not say), else that of CURSOR_PLANS. Usage is what chargeable events were charged.
--
-- grain: one kind of Cursor cost of one person on one UTC day, usage by model
-- built: daily by expense_date
-- held by: cursor
-- cluster: user_email
-- columns:
--   expense_date date not null: the UTC day
--   user_email string: lower-case; of a service account an artificial one; null where the vendor tells none
--   service_account_id string: null for a person
--   cost_type string not null: subscription, usage_based, or api_key: usage with the member's own key
--   model string: Cursor's own name; null on subscription rows
--   subscription_included_reqs integer: events within included usage; on subscription rows
--   usage_based_reqs integer: chargeable events; on usage_based and api_key rows
--   total_tokens integer: of chargeable events, of all kinds; null where they are not token based
--   billed_usd numeric: subscription: the day's share of the seat price, by month exact; null while no price is known.
--     Else what chargeable events were charged
--   list_usd numeric: model cost of chargeable events before discount; null without tokens
--   estimated_cost_usd numeric: the request formula of legacy plans for the whole day; on subscription rows. Never
--     added to billed_usd
--   subscription_plan string: as the sheet, or CURSOR_PLANS, calls the plan of the day; null without one
with free_seats as (
    select user_email
    from ai_usage_analytics.dim_cursor_member
    group by user_email
    having logical_and(role = 'free-owner')
),

days as (
    select
        activity_date,
        extract(day from activity_date) as day_of_month,
        extract(day from last_day(activity_date)) as days_in_month
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
),

bought as (
    select
        days.activity_date,
        min(bought_seats.plan) as plan_name,
        min(bought_seats.seat_price_usd) as seat_price_usd
    from days
    inner join ai_usage_analytics.seats as bought_seats
        on
            (bought_seats.valid_from is null or days.activity_date >= bought_seats.valid_from)
            and (bought_seats.valid_to is null or days.activity_date < bought_seats.valid_to)
    where bought_seats.provider = 'cursor'
    group by days.activity_date
    having count(*) = 1
),

prices as (
    select
        days.activity_date,
        days.day_of_month,
        days.days_in_month,
        cast(coalesce(bought.seat_price_usd, plan.seat_price_usd) * 1000000000 as int64) as nano_usd,
        coalesce(bought.plan_name, plan.plan_name) as plan_name
    from days
    left join bought on days.activity_date = bought.activity_date
    left join ai_usage_analytics.dim_cursor_plan as plan
        on
            days.activity_date >= plan.valid_from
            and (plan.valid_to is null or days.activity_date < plan.valid_to)
),

plans as (
    select
        activity_date,
        plan_name,
        div(nano_usd * day_of_month, days_in_month)
        - div(nano_usd * (day_of_month - 1), days_in_month) as seat_nano_usd
    from prices
),

seats as (
    select
        stats.activity_date,
        stats.user_email,
        count(*) as seats,
        sum(stats.subscription_included_reqs) as subscription_included_reqs,
        sum(stats.estimated_cost_usd) as estimated_cost_usd
    from ai_usage_analytics.cursor_usage_stats as stats
    left join free_seats on stats.user_email = free_seats.user_email
    where
        stats.activity_date between @first_day and @last_day
        and free_seats.user_email is null
    group by stats.activity_date, stats.user_email
),

usage as (
    select
        activity_date,
        user_email,
        service_account_id,
        model,
        if(regexp_contains(lower(kind), 'api[ _-]?key'), 'api_key', 'usage_based') as cost_type,
        count(*) as usage_based_reqs,
        sum(charged_usd) as billed_usd,
        sum(list_usd) as list_usd,
        sum(input_tokens + output_tokens + cache_write_tokens + cache_read_tokens) as total_tokens
    from ai_usage_analytics.cursor_usage_events
    where
        activity_date between @first_day and @last_day
        and is_chargeable
    group by activity_date, user_email, service_account_id, model, cost_type
)

select
    seats.activity_date as expense_date,
    seats.user_email,
    cast(null as string) as service_account_id,
    'subscription' as cost_type,
    cast(null as string) as model,
    seats.subscription_included_reqs,
    cast(null as int64) as usage_based_reqs,
    cast(null as int64) as total_tokens,
    cast(seats.seats * plans.seat_nano_usd as numeric) * cast('0.000000001' as numeric) as billed_usd,
    cast(null as numeric) as list_usd,
    seats.estimated_cost_usd,
    plans.plan_name as subscription_plan
from seats
left join plans on seats.activity_date = plans.activity_date
union all
select
    usage.activity_date as expense_date,
    usage.user_email,
    usage.service_account_id,
    usage.cost_type,
    usage.model,
    cast(null as int64) as subscription_included_reqs,
    usage.usage_based_reqs,
    usage.total_tokens,
    usage.billed_usd,
    usage.list_usd,
    cast(null as numeric) as estimated_cost_usd,
    plans.plan_name as subscription_plan
from usage
left join plans on usage.activity_date = plans.activity_date
