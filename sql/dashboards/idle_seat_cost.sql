-- What the idle seats of today cost a month.
select
    'cursor' as provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    if(is_idle, 1, 0) as idle_seats,
    1 as seats,
    coalesce(saving_usd, cast(0 as numeric)) as saving_usd,
    as_of_date as data_through
from ai_usage_analytics.seat_use
