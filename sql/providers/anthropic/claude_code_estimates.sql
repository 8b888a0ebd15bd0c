-- Claude Code's cost for API customers by its own report, beyond the cost of its own keys: by person if the report has
-- one, else by the only key with the reported name.
--
-- grain: one person's use, or use by one reported key name, of one model in Claude Code on one UTC day
-- step of: claude_attributed_costs
-- built: view
-- group: claude
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   model string: the model's id
--   pool string not null: the key with the cost that the estimate is part of; empty: the cost without a key
--   user_email string: as the report has it; null on a row of a key
--   code_usd numeric: estimated, in USD; zero or less where the person's own keys of Claude Code cost that much
with estimates as (
    select
        activity_date as expense_date,
        account,
        model,
        user_email,
        api_key_name,
        sum(estimated_cost_usd) as estimated_usd
    from ai_usage_analytics.claude_code_model_usage
    where customer_type = 'api'
    group by activity_date, account, model, user_email, api_key_name
),

creators as (
    select
        api_key_id,
        max(creator_email) as creator_email
    from ai_usage_analytics.dim_api_key_mapping
    group by api_key_id
),

by_code_keys as (
    select
        shares.expense_date,
        shares.account,
        shares.model,
        creators.creator_email,
        sum(shares.cost_usd) as cost_usd
    from ai_usage_analytics.claude_platform_shares as shares
    inner join creators on shares.api_key_id = creators.api_key_id
    where
        shares.is_code_key
        and shares.allocation_method not in ('measured', 'proportional')
    group by shares.expense_date, shares.account, shares.model, creators.creator_email
)

select
    estimates.expense_date,
    estimates.account,
    estimates.model,
    '' as pool,
    estimates.user_email,
    estimates.estimated_usd - coalesce(by_code_keys.cost_usd, cast(0 as numeric)) as code_usd
from estimates
left join by_code_keys
    on
        estimates.expense_date = by_code_keys.expense_date
        and estimates.account = by_code_keys.account
        and estimates.model = by_code_keys.model
        and estimates.user_email = by_code_keys.creator_email
where estimates.user_email is not null
union all
select
    estimates.expense_date,
    estimates.account,
    estimates.model,
    max(keys.api_key_id) as pool,
    cast(null as string) as user_email,
    estimates.estimated_usd as code_usd
from estimates
inner join ai_usage_analytics.dim_api_key_mapping as keys
    on
        estimates.api_key_name = keys.api_key_name
        and (estimates.account = keys.account or keys.account is null)
where coalesce(keys.provider, 'anthropic') = 'anthropic'
group by
    estimates.expense_date, estimates.account, estimates.model, estimates.user_email, estimates.api_key_name,
    estimates.estimated_usd
having count(distinct keys.api_key_id) = 1
