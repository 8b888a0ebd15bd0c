-- Usage by month and workspace, under the names they have today, of providers that list such sub-accounts.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(sub_account_name, 'outside the Console') as workspace,
    platform,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_meter
where
    charge_type != 'subscription'
    and provider in (
        select sub_accounts.provider
        from ai_usage_analytics.sub_accounts as sub_accounts
    )
group by month, provider, team_name, workspace, platform
