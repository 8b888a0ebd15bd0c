-- Spend of former members: API keys of people who are in no list of members today, keys without an owner with a creator
-- who is not in the list (except those of service accounts), and people who were removed from a provider's list. Only
-- providers with a list are included. Each address of a member counts as the member's.
--
-- grain: one API key or person with spend on one UTC day
-- step of: spend_anomalies
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   scope string not null: api_key or person
--   scope_name string not null: the key's id or the person's e-mail
--   provider string not null: as in dim_provider
--   spent_usd numeric not null: billed for usage on the day
--   contributors string: the key's owner, or why a person is here
with owners as (
    select
        provider,
        api_key_id,
        user_email,
        mapped_by,
        status,
        is_of_service_account,
        valid_from,
        valid_to
    from ai_usage_analytics.dim_api_key_mapping
),

members as (
    select people.user_email
    from ai_usage_analytics.dim_person as people
    inner join ai_usage_analytics.dim_person_account as accounts on people.person_email = accounts.person_email
    where accounts.is_member
    group by people.user_email
),

lists as (
    select provider
    from ai_usage_analytics.dim_person_account
    where is_member
    group by provider
),

removed as (
    select
        provider,
        user_email
    from ai_usage_analytics.dim_person_account
    group by provider, user_email
    having not logical_or(is_member)
),

found as (
    select
        series.spend_date,
        'api_key' as scope,
        series.scope_name,
        series.provider,
        series.usage_usd as spent_usd,
        if(
            owners.mapped_by = 'none',
            'no owner; its creator is not a member', owners.user_email
        ) as contributors
    from ai_usage_analytics.usage_series as series
    inner join owners
        on
            series.provider = owners.provider
            and series.scope_name = owners.api_key_id
            and (owners.valid_from is null or series.spend_date >= owners.valid_from)
            and (owners.valid_to is null or series.spend_date < owners.valid_to)
    inner join lists on series.provider = lists.provider
    left join members on owners.user_email = members.user_email
    where
        series.spend_date between @first_day and @last_day
        and series.scope = 'api_key'
        and (
            (owners.mapped_by = 'none' and owners.status is not null and owners.is_of_service_account is not true)
            or (owners.user_email is not null and members.user_email is null)
        )
    union all
    select
        spend.spend_date,
        'person' as scope,
        spend.user_email as scope_name,
        spend.provider,
        sum(spend.billed_usd) as spent_usd,
        max(concat(
            'removed from the ', providers.provider_name, ' ', lower(providers.billing_account_type)
        )) as contributors
    from ai_usage_analytics.ai_spend as spend
    inner join removed on spend.provider = removed.provider and spend.user_email = removed.user_email
    inner join lists on spend.provider = lists.provider
    left join ai_usage_analytics.dim_provider as providers on spend.provider = providers.provider
    where
        spend.spend_date between @first_day and @last_day
        and spend.charge_type != 'subscription'
    group by spend.spend_date, spend.user_email, spend.provider
)

select
    spend_date,
    scope,
    scope_name,
    provider,
    spent_usd,
    contributors
from found
where spent_usd > 0
