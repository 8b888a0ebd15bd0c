-- Seats that are paid for and were not used for four weeks.
select
    'cursor' as provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    coalesce(plan_name, 'not told') as plan_name,
    last_active_date,
    days_known,
    seat_price_usd,
    saving_usd,
    as_of_date as data_through
from ai_usage_analytics.seat_use
where is_idle
