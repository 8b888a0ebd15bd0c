-- Billed cost of each day in total, by provider, team and cost center: budgets, forecasts and growth are calculated
-- from these series. A day that was never pulled, or that is blocked, is not a day of $0: `is_complete` marks the days
-- that are known.
--
-- grain: one scope (all, a provider, a team, a cost center) on one UTC day that is known at least in part
-- built: daily by spend_date
-- columns:
--   spend_date date not null: the UTC day
--   scope string not null: total, provider, team or cost_center; the last where the tab people has any
--   scope_name string not null: the provider, team or cost center; `all` for the total; `no team`, `no cost center`
--     where there is none
--   spent_usd numeric not null: billed, seats included; no estimates
--   usage_usd numeric not null: the part for usage, credits included
--   seats_usd numeric not null: the part for subscriptions
--   is_complete boolean not null: for a provider whether its day is known; else whether the day is known of each
--     provider that was known on any of the 31 days before
with billed as (
    select
        spend_date,
        provider,
        coalesce(team_name, 'no team') as team_name,
        coalesce(cost_center, 'no cost center') as cost_center,
        sum(if(charge_type = 'subscription', cast(0 as numeric), billed_usd)) as usage_usd,
        sum(if(charge_type = 'subscription', billed_usd, cast(0 as numeric))) as seats_usd,
        countif(charge_type != 'subscription') as usage_rows
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and billed_usd is not null
    group by spend_date, provider, team_name, cost_center
),

pulled as (
    select distinct
        pulls.activity_date,
        providers.provider
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
    where pulls.activity_date between date_sub(@first_day, interval 31 day) and @last_day
),

-- A billed day that ai_spend lacks is blocked, or not built yet.
in_bill as (
    select distinct
        activity_date,
        provider
    from ai_usage_analytics.spend_versions
    where
        activity_date between @first_day and @last_day
        and known_to is null
        and billed_usd != 0
),

in_spend as (
    select
        spend_date,
        provider
    from billed
    group by spend_date, provider
    having sum(usage_rows) > 0
),

known as (
    select
        pulled.activity_date,
        pulled.provider
    from pulled
    left join in_bill on pulled.activity_date = in_bill.activity_date and pulled.provider = in_bill.provider
    left join in_spend on pulled.activity_date = in_spend.spend_date and pulled.provider = in_spend.provider
    where in_bill.provider is null or in_spend.provider is not null
),

days as (
    select activity_date from unnest(generate_date_array(@first_day, @last_day)) as activity_date
),

wanted as (
    select distinct
        days.activity_date,
        pulled.provider
    from days
    inner join pulled
        on
            pulled.activity_date >= date_sub(days.activity_date, interval 31 day)
            and days.activity_date > pulled.activity_date
),

known_days as (
    select activity_date
    from known
    group by activity_date
),

whole_days as (
    select
        days.activity_date,
        count(wanted.provider) = count(known.provider)
        and logical_or(known_days.activity_date is not null) as is_complete
    from days
    left join known_days on days.activity_date = known_days.activity_date
    left join wanted on days.activity_date = wanted.activity_date
    left join known on wanted.activity_date = known.activity_date and wanted.provider = known.provider
    group by days.activity_date
),

centers as (
    select count(cost_center) > 0 as are_known
    from ai_usage_analytics.dim_person
),

scoped as (
    select
        spend_date,
        'total' as scope,
        'all' as scope_name,
        usage_usd,
        seats_usd
    from billed
    union all
    select
        spend_date,
        'provider' as scope,
        provider as scope_name,
        usage_usd,
        seats_usd
    from billed
    union all
    select
        spend_date,
        'team' as scope,
        team_name as scope_name,
        usage_usd,
        seats_usd
    from billed
    union all
    select
        billed.spend_date,
        'cost_center' as scope,
        billed.cost_center as scope_name,
        billed.usage_usd,
        billed.seats_usd
    from billed
    cross join centers
    where centers.are_known
    union all
    select
        activity_date as spend_date,
        'total' as scope,
        'all' as scope_name,
        cast(0 as numeric) as usage_usd,
        cast(0 as numeric) as seats_usd
    from known
    where activity_date >= @first_day
    union all
    select
        activity_date as spend_date,
        'provider' as scope,
        provider as scope_name,
        cast(0 as numeric) as usage_usd,
        cast(0 as numeric) as seats_usd
    from known
    where activity_date >= @first_day
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
        known.provider is not null,
        whole_days.is_complete
    ) as is_complete
from sums
inner join whole_days on sums.spend_date = whole_days.activity_date
left join known on sums.spend_date = known.activity_date and sums.scope_name = known.provider
