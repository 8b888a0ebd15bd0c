-- Billed cost by day and provider, the day's share of the seats included.
select
    spend_date,
    provider,
    coalesce(cost_center, 'no cost center') as cost_center,
    coalesce(team_name, 'no team') as team_name,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.ai_spend
where billed_usd is not null
group by spend_date, provider, cost_center, team_name
