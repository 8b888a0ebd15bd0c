-- Seats that are paid for and not used, with what they cost a month; null where nobody told.
select
    concat('idle_seat/cursor/', user_email) as alert_key,
    user_email,
    team_name,
    plan_name,
    as_of_date,
    last_active_date,
    saving_usd
from ai_usage_analytics.seat_use
where is_idle
order by saving_usd desc, user_email asc
