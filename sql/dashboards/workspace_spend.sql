-- Claude's usage by month and workspace, under the names they have today.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(sub_account_name, 'outside the Console') as workspace,
    platform,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_meter
where
    provider = 'anthropic'
    and charge_type != 'subscription'
group by month, provider, team_name, workspace, platform
