-- Billed cost of each day of the period by attribution, with seats apart from usage.
select
    spend_date,
    provider,
    charge_type = 'subscription' as is_seat,
    api_key_id,
    user_email,
    team_name,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and billed_usd is not null
group by spend_date, provider, is_seat, api_key_id, user_email, team_name
order by spend_date, provider
