-- What was done in Cursor in the period and what it cost: billed are seats and what chargeable events were charged; the
-- rest is the value of included usage. Seats are those of the last day that has any. A seat is idle if its member was
-- active in its team on none of the days.
with events as (
    select
        count(distinct if(service_account_id is null, user_email, null)) as people,
        count(*) as events,
        sum(if(is_chargeable, 0, charged_usd)) as included_value_usd
    from ai_usage_analytics.cursor_usage_events
    where activity_date between @first_day and @last_day
),

expenses as (
    select
        sum(if(cost_type = 'subscription', billed_usd, null)) as seats_usd,
        sum(if(cost_type = 'subscription', null, billed_usd)) as usage_usd
    from ai_usage_analytics.cursor_expenses
    where expense_date between @first_day and @last_day
),

seats_by_day as (
    select
        expense_date,
        sum(seats) as seats
    from ai_usage_analytics.cursor_expenses
    where
        expense_date between @first_day and @last_day
        and cost_type = 'subscription'
    group by expense_date
),

newest as (
    select max(if(expense_date = last_expense_date, seats, null)) as seats
    from (
        select
            expense_date,
            seats,
            max(expense_date) over () as last_expense_date
        from seats_by_day
    ) as days
),

members as (
    select
        account,
        user_email,
        logical_or(coalesce(is_active, false)) as was_active
    from ai_usage_analytics.cursor_usage_stats
    where activity_date between @first_day and @last_day
    group by account, user_email
),

activity as (
    select countif(not was_active) as idle_members
    from members
)

select
    events.people,
    events.events,
    events.included_value_usd,
    expenses.usage_usd,
    expenses.seats_usd,
    coalesce(newest.seats, 0) as seats,
    activity.idle_members
from events
cross join expenses
cross join newest
cross join activity
