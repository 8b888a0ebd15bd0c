-- API keys of the sheet that no source of the provider has: neither the list of keys, nor usage, nor analytics of any
-- day. Costs of a key that was deleted still go to its owner; a key that appears nowhere may be a typing error.
with seen as (
    select distinct api_key_id
    from ai_usage_analytics.claude_usage_tokens
    union distinct
    select distinct api_key_id
    from ai_usage_analytics.claude_analytics_costs
)

select
    keys.api_key_id,
    max(keys.api_key_name) as api_key_name,
    max(keys.user_email) as user_email
from ai_usage_analytics.dim_api_key_mapping as keys
left join seen on keys.api_key_id = seen.api_key_id
where
    keys.mapped_by = 'sheet'
    and coalesce(keys.provider, 'anthropic') = 'anthropic'
    and keys.status is null
    and seen.api_key_id is null
group by keys.api_key_id
order by keys.api_key_id
