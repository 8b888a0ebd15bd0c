-- Licenses of Code Assist that are not used, with their monthly cost (null if the price is not known): licenses of idle
-- users, and one row for unassigned ones.
select
    concat(
        'idle_seat/google/',
        coalesce(user_email, 'unassigned'),
        if(coalesce(account, 'default') = 'default', '', concat('/', account))
    ) as alert_key,
    account,
    user_email,
    team_name,
    plan_name,
    as_of_date,
    last_active_date,
    is_assigned,
    seats,
    saving_usd
from ai_usage_analytics.seat_use
where
    provider = 'google'
    and (is_idle or not is_assigned)
order by saving_usd desc, user_email asc
