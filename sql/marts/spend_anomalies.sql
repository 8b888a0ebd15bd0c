-- Spend anomalies by day, with their contributors. Only usage counts: seats do not spike. Each step is a file:
-- usage_series has the cost of each provider, team, key and model, usage_baselines the expected cost, spend_deviations
-- the spikes and drops, new_keys_and_models and former_member_spend the rest; anomaly_thresholds has every limit with
-- its reason.
--
-- grain: one anomaly of one scope on one UTC day
-- question: Which spikes, drops, new keys and new models were found, and who contributed to them?
-- example: select spend_date, kind, label, spent_usd, expected_usd, contributors from
--   ai_usage_analytics.spend_anomalies order by spend_date desc
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   kind string not null: spike, drop; new_model and new_key (not seen for 90 days, until it has cost $5);
--     departed_member (a former member, in no list of members today, who still spends)
--   is_repeat boolean not null: whether the same deviated in the same way in the week before: an alert is sent of the
--     first day only
--   scope string not null: provider, team, api_key or model; person for a former member
--   scope_name string not null: the provider, team, model, e-mail or key's id
--   label string not null: the name shown: a key's name, else scope_name
--   provider string: null for teams and persons, who may use several
--   spent_usd numeric not null: billed for usage on the day; for a new key or model, so far
--   expected_usd numeric not null: the baseline; 0 for a new key or model and a former member
--   excess_usd numeric not null: the difference; negative for a drop
--   score_ratio numeric: the difference in deviations; null where none is calculated
--   contributors string: up to three keys, persons or models with the largest part of it, with their part
--   alert_key string not null: the same for rows that are reported once
with key_names as (
    select
        api_key_id,
        max(api_key_name) as api_key_name
    from ai_usage_analytics.dim_api_key_mapping
    group by api_key_id
),

found as (
    select
        spend_date,
        kind,
        is_repeat,
        scope,
        scope_name,
        provider,
        spent_usd,
        expected_usd,
        score_ratio,
        contributors,
        concat(
            kind, '/', scope, '/', coalesce(concat(provider, '/'), ''), scope_name, '/',
            format_date('%Y-%m-%d', spend_date)
        ) as alert_key
    from ai_usage_analytics.spend_deviations
    where spend_date between @first_day and @last_day
    union all
    select
        spend_date,
        if(scope = 'model', 'new_model', 'new_key') as kind,
        false as is_repeat,
        scope,
        scope_name,
        provider,
        spent_usd,
        cast(0 as numeric) as expected_usd,
        cast(null as numeric) as score_ratio,
        cast(null as string) as contributors,
        concat(if(scope = 'model', 'new_model', 'new_key'), '/', provider, '/', scope_name) as alert_key
    from ai_usage_analytics.new_keys_and_models
    where spend_date between @first_day and @last_day
    union all
    select
        spend_date,
        'departed_member' as kind,
        false as is_repeat,
        scope,
        scope_name,
        provider,
        spent_usd,
        cast(0 as numeric) as expected_usd,
        cast(null as numeric) as score_ratio,
        contributors,
        concat(
            'departed_member/', scope, '/', provider, '/', scope_name, '/', format_date('%Y-%m', spend_date)
        ) as alert_key
    from ai_usage_analytics.former_member_spend
    where spend_date between @first_day and @last_day
)

select
    found.spend_date,
    found.kind,
    found.is_repeat,
    found.scope,
    found.scope_name,
    if(found.scope = 'api_key', coalesce(key_names.api_key_name, found.scope_name), found.scope_name) as label,
    found.provider,
    found.spent_usd,
    found.expected_usd,
    found.spent_usd - found.expected_usd as excess_usd,
    found.score_ratio,
    found.contributors,
    found.alert_key
from found
left join key_names
    on
        found.scope_name = key_names.api_key_id
        and found.scope = 'api_key'
