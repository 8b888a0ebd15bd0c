-- The cost of each person's seat, and what its included use would have cost without the seat.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    seat_basis,
    seat_usd,
    worth_usd,
    worth_usd - seat_usd as saved_usd
from ai_usage_analytics.seat_value
