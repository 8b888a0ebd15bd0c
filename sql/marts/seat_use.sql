-- Who has a Cursor seat, when they last used it, and what the idle ones cost. A seat is idle whose member was active on
-- none of the last 28 days, of which at least 20 are known of them: a holiday is shorter, a newcomer has fewer. Of
-- Claude's seats no API tells who has them; the owner's free one is left out.
--
-- grain: one paid Cursor seat, as of the last day Cursor told of
-- built: whole
-- columns:
--   user_email string not null: the member, lower-case
--   team_name string: as the sheet has it
--   plan_name string: of the seat; null where nobody told
--   seat_price_usd numeric: a calendar month; null where nobody told
--   as_of_date date not null: the last day Cursor told of
--   last_active_date date: null where no day is known on which the member was active
--   days_known integer not null: of the last 28 days
--   days_active integer not null: of those
--   is_idle boolean not null: active on none of at least 20 days
--   saving_usd numeric: what the month's price of an idle seat is; null of others, and without a price
with newest as (
    select max(activity_date) as as_of_date
    from ai_usage_analytics.cursor_usage_stats
),

activity as (
    select
        stats.user_email,
        newest.as_of_date,
        max(stats.activity_date) as last_told_of,
        max(if(stats.is_active, stats.activity_date, null)) as last_active_date,
        count(distinct if(
            stats.activity_date > date_sub(newest.as_of_date, interval 28 day), stats.activity_date, null
        )) as days_known,
        count(distinct if(
            stats.activity_date > date_sub(newest.as_of_date, interval 28 day) and stats.is_active,
            stats.activity_date, null
        )) as days_active
    from ai_usage_analytics.cursor_usage_stats as stats
    cross join newest
    group by stats.user_email, newest.as_of_date
),

members as (
    select user_email
    from ai_usage_analytics.dim_cursor_member
    group by user_email
    having logical_or(not is_removed and coalesce(role, 'member') != 'free-owner')
),

prices as (
    select
        expenses.user_email,
        max(expenses.subscription_plan) as plan_name,
        round(
            max(expenses.billed_usd) * extract(day from last_day(max(expenses.expense_date))), 2
        ) as seat_price_usd
    from ai_usage_analytics.cursor_expenses as expenses
    inner join newest on expenses.expense_date = newest.as_of_date
    where expenses.cost_type = 'subscription'
    group by expenses.user_email
),

people as (
    select
        user_email,
        max(team_name) as team_name
    from ai_usage_analytics.dim_person
    group by user_email
)

select
    activity.user_email,
    people.team_name,
    prices.plan_name,
    prices.seat_price_usd,
    activity.as_of_date,
    activity.last_active_date,
    activity.days_known,
    activity.days_active,
    activity.days_active = 0 and activity.days_known >= 20 as is_idle,
    if(activity.days_active = 0 and activity.days_known >= 20, prices.seat_price_usd, null) as saving_usd
from activity
inner join members on activity.user_email = members.user_email
left join prices on activity.user_email = prices.user_email
left join people on activity.user_email = people.user_email
where activity.last_told_of = activity.as_of_date
