-- The newest day on which Cursor has more members than the sheet has purchased seats: billed are the purchased ones.
with newest as (
    select max(activity_date) as as_of_date
    from ai_usage_analytics.cursor_usage_stats
),

counted as (
    select
        newest.as_of_date,
        countif(seats.is_assigned) as members,
        countif(seats.is_assigned and seats.seats is null) as members_beside,
        sum(if(seats.is_assigned, 0, seats.seats)) as purchased_seats
    from ai_usage_analytics.cursor_seats as seats
    inner join newest on seats.activity_date = newest.as_of_date
    group by newest.as_of_date
)

select
    as_of_date,
    members,
    purchased_seats
from counted
where members_beside > purchased_seats
