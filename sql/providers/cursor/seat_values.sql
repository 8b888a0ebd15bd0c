-- Cursor's rows of seat_value: the seat's own price, and the tokens of its included events.
with cursor_seats as (
    select
        month_start,
        user_email,
        max(team_name) as team_name,
        sum(billed_usd) as seat_usd
    from ai_usage_analytics.spend_by_person
    where
        month_start between @first_day and @last_day
        and provider = 'cursor'
        and charge_type = 'subscription'
        and user_email is not null
        and billed_usd is not null
    group by month_start, user_email
),

cursor_use as (
    select
        cast(date_trunc(activity_date, month) as date) as month_start,
        user_email,
        sum(list_usd) as worth_usd
    from ai_usage_analytics.cursor_included_use
    where activity_date between @first_day and @last_day
    group by month_start, user_email
)

select
    cursor_seats.month_start,
    cursor_seats.user_email,
    cursor_seats.team_name,
    cursor_seats.seat_usd,
    coalesce(cursor_use.worth_usd, cast(0 as numeric)) as worth_usd,
    'own_seat' as seat_basis,
    'list_price' as worth_basis
from cursor_seats
left join cursor_use
    on
        cursor_seats.month_start = cursor_use.month_start
        and cursor_seats.user_email = cursor_use.user_email
