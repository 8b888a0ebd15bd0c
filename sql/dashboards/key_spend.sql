-- Usage by month and API key, with the key's owner.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(key_user_email, 'unattributed') as person,
    coalesce(api_key_name, api_key_id) as api_key,
    coalesce(sub_account_name, 'outside the Console') as workspace,
    sum(if(unit = 'tokens', quantity, cast(0 as numeric))) as tokens,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_meter
where api_key_id is not null
group by month, provider, team_name, person, api_key, workspace
