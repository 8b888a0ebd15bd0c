-- Usage by month and model.
select
    month,
    provider,
    platform,
    coalesce(team_name, 'no team') as team_name,
    coalesce(model, 'no model') as model,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_meter
where charge_type != 'subscription'
group by month, provider, platform, team_name, model
