-- Organizations behind several accounts of one provider. An account without a name from the provider is not included.
select
    provider,
    provider_account_id,
    min(account_name) as account_name,
    string_agg(account, ' and ' order by account) as accounts
from ai_usage_analytics.dim_account
where
    provider_account_id is not null
    and (is_configured or first_pulled_at is not null)
group by provider, provider_account_id
having count(*) > 1
order by provider, provider_account_id
