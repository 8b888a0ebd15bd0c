-- Billed cost of each day in total, by provider, team and cost center: budgets, forecasts and growth are calculated
-- from these series. A day that was never pulled, or that is blocked, is not a day of $0: `is_complete` marks the days
-- that are known.
--
-- grain: one scope (all, a provider, a team, a cost center) on one UTC day that is known at least in part
-- question: What did the company, each provider, team and cost center spend on one day, and is that day complete?
-- example: select spend_date, scope_name, spent_usd, is_complete from ai_usage_analytics.spend_by_scope where scope
--   = 'team' order by spend_date, spent_usd desc
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   scope string not null: total, provider, team or cost_center; the last where the tab people has any
--   scope_name string not null: the provider, team or cost center; `all` for the total; `no team`, `no cost center`
--     where there is none
--   spent_usd numeric not null: billed, seats included; no estimates
--   usage_usd numeric not null: the part for usage, credits included
--   seats_usd numeric not null: the part for subscriptions
--   is_complete boolean not null: for a provider whether the day's bill is known for each of its accounts that was
--     pulled on that day or, if still configured, on any of the 31 days before; else whether that is so for each
--     provider
with billed as (
    select
        spend_date,
        provider,
        account,
        coalesce(team_name, 'no team') as team_name,
        coalesce(cost_center, 'no cost center') as cost_center,
        sum(if(charge_type = 'subscription', cast(0 as numeric), billed_usd)) as usage_usd,
        sum(if(charge_type = 'subscription', billed_usd, cast(0 as numeric))) as seats_usd,
        countif(charge_type != 'subscription') as usage_rows
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and billed_usd is not null
    group by spend_date, provider, account, team_name, cost_center
),

pulled as (
    select
        activity_date,
        provider,
        account
    from ai_usage_analytics.billing_days
    where activity_date between date_sub(@first_day, interval 31 day) and @last_day
),

in_spend as (
    select
        spend_date,
        provider,
        account
    from billed
    group by spend_date, provider, account
    having sum(usage_rows) > 0
),

-- A billed day that ai_spend lacks is blocked, or not built yet.
known as (
    select
        pulled.activity_date,
        pulled.provider,
        pulled.account
    from pulled
    left join ai_usage_analytics.spend_versions as versions
        on
            pulled.activity_date = versions.activity_date
            and pulled.provider = versions.provider
            and pulled.account = versions.account
            and versions.known_to is null
            and versions.billed_usd != 0
    left join in_spend
        on
            pulled.activity_date = in_spend.spend_date
            and pulled.provider = in_spend.provider
            and pulled.account = in_spend.account
    left join ai_usage_analytics.unreadable_bills as unreadable
        on
            pulled.activity_date = unreadable.activity_date
            and pulled.provider = unreadable.provider
            and pulled.account = unreadable.account
    where
        unreadable.provider is null
        and (versions.provider is null or in_spend.provider is not null)
),

days as (
    select activity_date from unnest(generate_date_array(@first_day, @last_day)) as activity_date
),

-- An account that was removed from the settings is not expected after its last day.
wanted as (
    select distinct
        days.activity_date,
        pulled.provider,
        pulled.account
    from days
    inner join pulled
        on
            pulled.activity_date >= date_sub(days.activity_date, interval 31 day)
            and days.activity_date >= pulled.activity_date
    left join ai_usage_analytics.dim_account as accounts
        on
            pulled.provider = accounts.provider
            and pulled.account = accounts.account
    where
        coalesce(accounts.is_expected, true)
        or days.activity_date = pulled.activity_date
),

provider_days as (
    select
        wanted.activity_date,
        wanted.provider,
        count(known.account) > 0 as is_known,
        count(known.account) = count(*) as is_complete
    from wanted
    left join known
        on
            wanted.activity_date = known.activity_date
            and wanted.provider = known.provider
            and wanted.account = known.account
    group by wanted.activity_date, wanted.provider
),

whole_days as (
    select
        activity_date,
        logical_and(is_complete) as is_complete
    from provider_days
    group by activity_date
),

centers as (
    select count(cost_center) > 0 as are_known
    from ai_usage_analytics.dim_person
),

scoped as (
    select
        billed.spend_date,
        scope,
        case scope
            when 'total' then 'all'
            when 'provider' then billed.provider
            when 'team' then billed.team_name
            else billed.cost_center
        end as scope_name,
        billed.usage_usd,
        billed.seats_usd
    from billed
    cross join centers
    cross join unnest(['total', 'provider', 'team', 'cost_center']) as scope
    where scope != 'cost_center' or centers.are_known
    union all
    select
        provider_days.activity_date as spend_date,
        scope,
        if(scope = 'total', 'all', provider_days.provider) as scope_name,
        cast(0 as numeric) as usage_usd,
        cast(0 as numeric) as seats_usd
    from provider_days
    cross join unnest(['total', 'provider']) as scope
    where provider_days.is_known
),

sums as (
    select
        spend_date,
        scope,
        scope_name,
        sum(usage_usd) as usage_usd,
        sum(seats_usd) as seats_usd
    from scoped
    group by spend_date, scope, scope_name
)

select
    sums.spend_date,
    sums.scope,
    sums.scope_name,
    sums.usage_usd + sums.seats_usd as spent_usd,
    sums.usage_usd,
    sums.seats_usd,
    if(
        sums.scope = 'provider',
        coalesce(provider_days.is_complete, false),
        coalesce(whole_days.is_complete, false)
    ) as is_complete
from sums
left join whole_days on sums.spend_date = whole_days.activity_date
left join provider_days
    on sums.spend_date = provider_days.activity_date and sums.scope_name = provider_days.provider
