-- Purchased, assigned, used and idle seats of each plan.
select
    provider,
    coalesce(plan_name, 'not known') as plan_name,
    purchased,
    assigned,
    active,
    under_used,
    idle,
    idle_usd,
    as_of_date as data_through
from ai_usage_analytics.seat_summary
