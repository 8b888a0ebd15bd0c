-- Paid seats that were not used for four weeks, and one row of the seats without a member.
select
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unassigned') as person,
    coalesce(plan_name, 'not known') as plan_name,
    last_active_date,
    days_known,
    seats,
    seat_price_usd,
    saving_usd,
    as_of_date as data_through
from ai_usage_analytics.seat_use
where is_idle or not is_assigned
