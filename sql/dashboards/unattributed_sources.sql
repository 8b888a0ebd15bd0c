-- Unattributed cost by source.
select
    month,
    provider,
    platform,
    charge_type,
    coalesce(sub_account_name, 'outside the Console') as workspace,
    coalesce(api_key_name, api_key_id, 'no key') as api_key,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_meter
where attribution_method = 'unattributed'
group by month, provider, platform, charge_type, workspace, api_key
