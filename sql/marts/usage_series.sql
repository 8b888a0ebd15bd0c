-- Billed usage of each provider, team, API key and model on each UTC day. In these series spend_anomalies finds spikes,
-- drops, new keys and new models. Each dollar is in each scope once. Seats are not included: they do not spike.
--
-- grain: one provider, team, API key or model that was billed for usage on one UTC day
-- step of: spend_anomalies
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   scope string not null: provider, team, api_key or model
--   scope_name string not null: the provider, team, model or key's id
--   provider string: null for teams, which may use several
--   calendar string not null: the scope of spend_by_scope that shows whether the day is known: the provider, or `all`
--     for teams
--   usage_usd numeric not null: billed for usage, credits included
with billed as (
    select
        spend_date,
        provider,
        team_name,
        api_key_id,
        model,
        sum(billed_usd) as usage_usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and charge_type != 'subscription'
        and billed_usd is not null
    group by spend_date, provider, team_name, api_key_id, model
),

scoped as (
    select
        spend_date,
        'provider' as scope,
        provider as scope_name,
        provider,
        usage_usd
    from billed
    union all
    select
        spend_date,
        'team' as scope,
        team_name as scope_name,
        cast(null as string) as provider,
        usage_usd
    from billed
    where team_name is not null
    union all
    select
        spend_date,
        'api_key' as scope,
        api_key_id as scope_name,
        provider,
        usage_usd
    from billed
    where api_key_id is not null
    union all
    select
        spend_date,
        'model' as scope,
        model as scope_name,
        provider,
        usage_usd
    from billed
    where model is not null
)

select
    spend_date,
    scope,
    scope_name,
    provider,
    coalesce(provider, 'all') as calendar,
    sum(usage_usd) as usage_usd
from scoped
group by spend_date, scope, scope_name, provider
