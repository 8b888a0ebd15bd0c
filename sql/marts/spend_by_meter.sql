-- Billed cost of each calendar month by workspace, key, model and meter, with today's names of workspaces and keys:
-- sums of ai_spend without persons, except the owners of keys.
--
-- grain: one meter of one model, key, workspace and team in one calendar month, by attribution method
-- question: Which workspaces, API keys, models and meters cost the most in a month?
-- example: select sub_account_name, api_key_name, model, meter, sum(billed_usd) as billed_usd from
--   ai_usage_analytics.spend_by_meter where month = '2026-11' group by sub_account_name, api_key_name, model, meter
--   order by billed_usd desc
-- built: monthly by month_start
-- group: spend
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider
--   platform string not null: as in ai_spend
--   sub_account string: as in ai_spend
--   sub_account_name string: its name today, else as sub_account
--   api_key_id string: null without a key
--   api_key_name string: the key's name today; null without a key or a name
--   key_user_email string: the owner of the key; null without a key or an owner
--   team_name string: as in ai_spend; null without one
--   model string: null where none was used
--   meter string not null: as in ai_spend
--   charge_type string not null: usage, subscription or credit
--   attribution_method string not null: how the person was found, as in ai_spend
--   billed_usd numeric not null: billed cost; no estimates
--   list_usd numeric: the same at list price; null where the provider does not report it
--   quantity numeric: number of units; for seats the sum over all days; null where nothing counts them
--   unit string: tokens, requests, seats; null without a quantity
--   is_provisional boolean not null: whether the provider may still restate a day of it
with sums as (
    select
        cast(date_trunc(spend_date, month) as date) as month_start,
        provider,
        platform,
        sub_account,
        api_key_id,
        if(api_key_id is null, null, user_email) as key_user_email,
        team_name,
        model,
        meter,
        charge_type,
        attribution_method,
        unit,
        sum(billed_usd) as billed_usd,
        sum(list_usd) as list_usd,
        sum(quantity) as quantity,
        logical_or(status = 'provisional') as is_provisional
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and billed_usd is not null
    group by
        month_start, provider, platform, sub_account, api_key_id, key_user_email, team_name, model, meter, charge_type,
        attribution_method, unit
),

keys as (
    select
        api_key_id,
        max(api_key_name) as api_key_name
    from ai_usage_analytics.dim_api_key_mapping
    group by api_key_id
)

select
    sums.month_start,
    format_date('%Y-%m', sums.month_start) as month,
    sums.provider,
    sums.platform,
    sums.sub_account,
    if(
        sums.charge_type = 'subscription', sums.sub_account, coalesce(names.sub_account_name, sums.sub_account)
    ) as sub_account_name,
    sums.api_key_id,
    keys.api_key_name,
    sums.key_user_email,
    sums.team_name,
    sums.model,
    sums.meter,
    sums.charge_type,
    sums.attribution_method,
    sums.billed_usd,
    sums.list_usd,
    sums.quantity,
    sums.unit,
    sums.is_provisional
from sums
left join ai_usage_analytics.sub_accounts as names
    on
        sums.provider = names.provider
        and sums.sub_account = names.sub_account
left join keys on sums.api_key_id = keys.api_key_id
