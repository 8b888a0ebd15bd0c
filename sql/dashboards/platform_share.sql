-- Billed cost by month, platform and provider.
select
    month,
    provider,
    platform,
    coalesce(cost_center, 'no cost center') as cost_center,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unattributed') as person,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_person
where billed_usd is not null
group by month, provider, platform, cost_center, team_name, person
