-- The monthly cost of today's idle and unassigned seats. One row has all unassigned seats.
select
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unassigned') as person,
    seats,
    case when not is_assigned then seats when is_idle then 1 else 0 end as idle_seats,
    if(is_assigned, 0, seats) as unassigned_seats,
    coalesce(saving_usd, cast(0 as numeric)) as saving_usd,
    as_of_date as data_through
from ai_usage_analytics.seat_use
