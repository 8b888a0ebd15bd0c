-- Spikes and drops: days on which a provider, team, API key or model deviates far from its baseline (usage_baselines),
-- with the keys, persons or models that make up most of the difference. A spike is five deviations above it by $40 or
-- more, and twice as far above the median as any day of five weeks, or of a key that rises. A drop is a quarter of $50
-- or less, or a key that was used on each such day and is not any more. anomaly_thresholds has these limits.
--
-- grain: one spike or drop of one provider, team, API key or model on one UTC day
-- step of: spend_anomalies
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   kind string not null: spike or drop
--   scope string not null: provider, team, api_key or model
--   scope_name string not null: as in usage_series
--   provider string: null for teams
--   is_repeat boolean not null: whether it deviated in the same way in the week before (repeat_days)
--   spent_usd numeric not null: billed for usage on the day
--   expected_usd numeric not null: the baseline
--   score_ratio numeric not null: the difference in deviations
--   contributors string: up to three keys, persons or models with the largest part of it, with their part
with days as (
    select
        *,
        cast(usage_usd as float64) as cost_usd
    from ai_usage_analytics.usage_baselines
    where spend_date between date_sub(@first_day, interval 35 day) and @last_day
),

judged as (
    select
        days.*,
        'spike' as kind,
        days.spike_baseline_usd as expected_usd
    from days
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    where
        days.cost_usd - days.spike_baseline_usd >= thresholds.deviation_usd
        and (
            (
                days.cost_usd - days.spike_baseline_usd >= thresholds.deviations_ratio * days.deviation_usd
                and days.cost_usd - days.median_usd >= thresholds.spike_ratio * (days.high_usd - days.median_usd)
            )
            or (
                days.scope = 'api_key' and not days.is_weekend
                and days.week_low_usd >= thresholds.rise_ratio * days.median_usd
            )
        )
    union all
    select
        days.*,
        'drop' as kind,
        days.drop_baseline_usd as expected_usd
    from days
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    where
        days.scope in ('provider', 'team', 'api_key')
        and (
            (
                days.drop_baseline_usd >= thresholds.drop_baseline_usd
                and days.cost_usd <= thresholds.drop_ratio * days.drop_baseline_usd
                and days.drop_baseline_usd - days.cost_usd >= thresholds.deviations_ratio * days.deviation_usd
            )
            or (days.scope = 'api_key' and days.usage_usd = 0 and days.low_usd > 0)
        )
),

-- A deviation that goes on is one: only its first day is alerted.
runs as (
    select
        *,
        lag(spend_date) over (partition by kind, scope, scope_name, calendar order by spend_date) as deviated_before
    from judged
),

found as (
    select *
    from runs
    where spend_date between @first_day and @last_day
),

key_names as (
    select
        api_key_id,
        max(api_key_name) as api_key_name
    from ai_usage_analytics.dim_api_key_mapping
    group by api_key_id
),

-- The parts of each scope that a reader would look at next.
charges as (
    select
        spend.spend_date,
        scope,
        spend.billed_usd,
        case scope
            when 'provider' then spend.provider
            when 'team' then spend.team_name
            when 'api_key' then spend.api_key_id
            else spend.model
        end as scope_name,
        if(scope = 'team', 'all', spend.provider) as calendar,
        coalesce(
            if(scope = 'api_key', null, coalesce(key_names.api_key_name, spend.api_key_id, spend.user_email)),
            if(scope = 'model', null, spend.model),
            'other'
        ) as contributor
    from ai_usage_analytics.ai_spend as spend
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    left join key_names on spend.api_key_id = key_names.api_key_id
    cross join unnest(['provider', 'team', 'api_key', 'model']) as scope
    where
        spend.spend_date between date_sub(@first_day, interval 180 day) and @last_day
        and spend.spend_date >= date_sub(@first_day, interval thresholds.baseline_days day)
        and spend.charge_type != 'subscription'
        and spend.billed_usd is not null
),

-- Each contributor's part: its difference from its own mean of the same days before.
shares as (
    select
        found.kind,
        found.scope,
        found.scope_name,
        found.calendar,
        found.spend_date,
        charges.contributor,
        cast(sum(if(charges.spend_date = found.spend_date, charges.billed_usd, 0)) as float64)
        - safe_divide(
            cast(sum(if(charges.spend_date < found.spend_date, charges.billed_usd, 0)) as float64),
            max(found.days_before_count)
        ) as excess_usd
    from found
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    inner join charges
        on
            found.scope = charges.scope
            and found.scope_name = charges.scope_name
            and found.calendar = charges.calendar
            and found.spend_date >= charges.spend_date
            and date_sub(found.spend_date, interval thresholds.baseline_days day) <= charges.spend_date
            and found.is_weekend = (extract(dayofweek from charges.spend_date) in (1, 7))
    group by found.kind, found.scope, found.scope_name, found.calendar, found.spend_date, charges.contributor
),

ranked as (
    select
        shares.*,
        thresholds.contributors_count,
        row_number() over (
            partition by shares.kind, shares.scope, shares.scope_name, shares.calendar, shares.spend_date
            order by
                round(if(shares.kind = 'drop', -shares.excess_usd, shares.excess_usd), 6) desc,
                shares.contributor asc
        ) as place
    from shares
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    where if(shares.kind = 'drop', -shares.excess_usd, shares.excess_usd) >= thresholds.contributor_usd
),

named as (
    select
        kind,
        scope,
        scope_name,
        calendar,
        spend_date,
        string_agg(
            concat(
                contributor, if(excess_usd < 0, ' -$', ' +$'), cast(cast(round(abs(excess_usd)) as int64) as string)
            ),
            ', ' order by place
        ) as contributors
    from ranked
    where place <= contributors_count
    group by kind, scope, scope_name, calendar, spend_date
)

select
    found.spend_date,
    found.kind,
    found.scope,
    found.scope_name,
    found.provider,
    coalesce(date_diff(found.spend_date, found.deviated_before, day) <= thresholds.repeat_days, false) as is_repeat,
    found.usage_usd as spent_usd,
    cast(round(found.expected_usd, 2) as numeric) as expected_usd,
    cast(
        round((found.cost_usd - found.expected_usd) / found.deviation_usd, 2) as numeric
    ) as score_ratio,
    named.contributors
from found
cross join ai_usage_analytics.anomaly_thresholds as thresholds
left join named
    on
        found.kind = named.kind
        and found.scope = named.scope
        and found.scope_name = named.scope_name
        and found.calendar = named.calendar
        and found.spend_date = named.spend_date
