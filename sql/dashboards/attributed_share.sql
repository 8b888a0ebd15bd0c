-- Billed cost that is attributed to a person or a team, by month.
select
    month,
    provider,
    coalesce(cost_center, 'no cost center') as cost_center,
    coalesce(team_name, 'no team') as team_name,
    sum(if(attribution_method = 'unattributed', cast(0 as numeric), billed_usd)) as attributed_usd,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_person
where billed_usd is not null
group by month, provider, cost_center, team_name
