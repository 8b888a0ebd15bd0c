-- Spend anomalies by day, with their contributors. Only usage counts: seats do not spike. A day is compared with known
-- days of its own kind (Monday to Friday, or weekend) in the five weeks before. The baseline is their median, or that
-- of the same weekday if it is higher, so that a job of every Monday is no anomaly. The deviation is the median
-- absolute deviation (x 1.4826, a standard deviation of a normal distribution), at least a tenth of the baseline and
-- $8, since a key may cost the same every day. spike: five deviations above the baseline, by $40 or more, and a fifth
-- above the 90 % quantile of such days. drop: a provider or team with a baseline of $50 a day has a quarter of it or
-- less, five deviations below. Fewer than eight such days before, or four on weekends, are too few.
--
-- grain: one anomaly of one scope on one UTC day
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   kind string not null: spike, drop; new_model and new_key (not seen for 90 days, until it has cost $5);
--     departed_member (a former member, in no list of members today, who still spends)
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

billed as (
    select
        spend_date,
        provider,
        team_name,
        api_key_id,
        model,
        sum(billed_usd) as usage_usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between date_sub(@first_day, interval 180 day) and @last_day
        and charge_type != 'subscription'
        and billed_usd is not null
    group by spend_date, provider, team_name, api_key_id, model
),

-- Each dollar once in each scope, under its name there.
scoped as (
    select
        spend_date,
        'provider' as scope,
        provider as scope_name,
        provider as label,
        provider,
        provider as calendar,
        usage_usd
    from billed
    union all
    select
        spend_date,
        'team' as scope,
        team_name as scope_name,
        team_name as label,
        cast(null as string) as provider,
        'all' as calendar,
        usage_usd
    from billed
    where team_name is not null
    union all
    select
        billed.spend_date,
        'api_key' as scope,
        billed.api_key_id as scope_name,
        coalesce(key_names.api_key_name, billed.api_key_id) as label,
        billed.provider,
        billed.provider as calendar,
        billed.usage_usd
    from billed
    left join key_names on billed.api_key_id = key_names.api_key_id
    where billed.api_key_id is not null
    union all
    select
        spend_date,
        'model' as scope,
        model as scope_name,
        model as label,
        provider,
        provider as calendar,
        usage_usd
    from billed
    where model is not null
),

series as (
    select
        spend_date,
        scope,
        scope_name,
        label,
        provider,
        calendar,
        sum(usage_usd) as usage_usd
    from scoped
    group by spend_date, scope, scope_name, label, provider, calendar
),

known as (
    select
        spend_date,
        scope_name as calendar,
        extract(dayofweek from spend_date) as weekday,
        extract(dayofweek from spend_date) in (1, 7) as is_weekend
    from ai_usage_analytics.spend_by_scope
    where
        spend_date between date_sub(@first_day, interval 180 day) and @last_day
        and scope in ('total', 'provider')
        and is_complete
),

calendars as (
    select
        calendar,
        min(spend_date) as known_since
    from known
    group by calendar
),

-- A series begins anew after 90 days without spend. The 180 days before the span begin no series within 90 days of it,
-- so a day's rows are the same whichever days are built with it.
gaps as (
    select
        scope,
        scope_name,
        label,
        provider,
        calendar,
        spend_date,
        lag(spend_date) over (partition by scope, scope_name, calendar order by spend_date) as spent_before
    from series
),

eras as (
    select
        gaps.scope,
        gaps.scope_name,
        gaps.label,
        gaps.provider,
        gaps.calendar,
        gaps.spend_date as first_date,
        calendars.known_since <= date_sub(gaps.spend_date, interval 14 day) as is_new,
        lead(gaps.spend_date) over (
            partition by gaps.scope, gaps.scope_name, gaps.calendar order by gaps.spend_date
        ) as next_date
    from gaps
    inner join calendars on gaps.calendar = calendars.calendar
    where
        gaps.spent_before is null
        or gaps.spent_before < date_sub(gaps.spend_date, interval 90 day)
),

-- Only what may be worth an alert is compared: days of $20 or more, and all days of providers and teams, which may
-- drop.
compared as (
    select
        eras.scope,
        eras.scope_name,
        eras.provider,
        eras.calendar,
        eras.label,
        eras.first_date,
        known.spend_date,
        known.weekday,
        known.is_weekend,
        coalesce(series.usage_usd, cast(0 as numeric)) as usage_usd
    from eras
    inner join known
        on
            eras.calendar = known.calendar
            and eras.first_date < known.spend_date
            and (eras.next_date is null or eras.next_date > known.spend_date)
    left join series
        on
            eras.scope = series.scope
            and eras.scope_name = series.scope_name
            and eras.calendar = series.calendar
            and known.spend_date = series.spend_date
    where
        known.spend_date >= @first_day
        and (eras.scope in ('provider', 'team') or series.usage_usd >= 20)
),

before as (
    select
        compared.scope,
        compared.scope_name,
        compared.calendar,
        compared.spend_date,
        compared.is_weekend,
        known.weekday = compared.weekday as is_same_weekday,
        cast(compared.usage_usd as float64) as spent,
        cast(coalesce(series.usage_usd, cast(0 as numeric)) as float64) as usage_usd
    from compared
    inner join known
        on
            compared.calendar = known.calendar
            and compared.is_weekend = known.is_weekend
            and compared.spend_date > known.spend_date
            and compared.first_date <= known.spend_date
            and date_sub(compared.spend_date, interval 35 day) <= known.spend_date
    left join series
        on
            compared.scope = series.scope
            and compared.scope_name = series.scope_name
            and compared.calendar = series.calendar
            and known.spend_date = series.spend_date
),

-- A day that is $40 off its median is as far off half of the days: medians are calculated only for such days.
candidates as (
    select
        scope,
        scope_name,
        calendar,
        spend_date,
        count(*) as days_before
    from before
    group by scope, scope_name, calendar, spend_date
    having
        count(*) >= if(logical_or(is_weekend), 4, 8)
        and 2 * greatest(countif(spent - usage_usd >= 40), countif(usage_usd - spent >= 40)) >= count(*)
),

medians as (
    select
        before.*,
        candidates.days_before,
        percentile_cont(before.usage_usd, 0.5) over (
            partition by before.scope, before.scope_name, before.calendar, before.spend_date
        ) as median_usd,
        percentile_cont(before.usage_usd, 0.9) over (
            partition by before.scope, before.scope_name, before.calendar, before.spend_date
        ) as most_usd,
        percentile_cont(before.usage_usd, 0.5) over (
            partition by
                before.scope, before.scope_name, before.calendar, before.spend_date, before.is_same_weekday
        ) as weekday_median_usd
    from before
    inner join candidates
        on
            before.scope = candidates.scope
            and before.scope_name = candidates.scope_name
            and before.calendar = candidates.calendar
            and before.spend_date = candidates.spend_date
),

deviations as (
    select
        medians.*,
        percentile_cont(abs(usage_usd - median_usd), 0.5) over (
            partition by scope, scope_name, calendar, spend_date
        ) as mad_usd
    from medians
),

usual as (
    select
        scope,
        scope_name,
        calendar,
        spend_date,
        max(median_usd) as median_usd,
        max(most_usd) as most_usd,
        max(mad_usd) as mad_usd,
        max(days_before) as days_before,
        if(countif(is_same_weekday) >= 3, max(if(is_same_weekday, weekday_median_usd, null)), null) as weekday_usd
    from deviations
    group by scope, scope_name, calendar, spend_date
),

measured as (
    select
        compared.scope,
        compared.scope_name,
        compared.provider,
        compared.calendar,
        compared.label,
        compared.spend_date,
        compared.is_weekend,
        compared.first_date,
        compared.usage_usd,
        usual.days_before,
        usual.most_usd,
        cast(compared.usage_usd as float64) as spent,
        greatest(usual.median_usd, coalesce(usual.weekday_usd, usual.median_usd)) as at_most_usd,
        least(usual.median_usd, coalesce(usual.weekday_usd, usual.median_usd)) as at_least_usd,
        greatest(1.4826 * usual.mad_usd, 0.1 * usual.median_usd, 8.0) as deviation_usd
    from compared
    inner join usual
        on
            compared.scope = usual.scope
            and compared.scope_name = usual.scope_name
            and compared.calendar = usual.calendar
            and compared.spend_date = usual.spend_date
),

unusual as (
    select
        measured.*,
        'spike' as kind,
        at_most_usd as expected_usd
    from measured
    where
        spent - at_most_usd >= 40
        and spent - at_most_usd >= 5 * deviation_usd
        and spent >= 1.2 * most_usd
    union all
    select
        measured.*,
        'drop' as kind,
        at_least_usd as expected_usd
    from measured
    where
        scope in ('provider', 'team')
        and at_least_usd >= 50
        and spent <= 0.25 * at_least_usd
        and at_least_usd - spent >= 5 * deviation_usd
),

scopes as (
    select scope from unnest(['provider', 'team', 'api_key', 'model']) as scope
),

-- The parts of each scope that a reader would look at next.
charges as (
    select
        spend.spend_date,
        scopes.scope,
        spend.billed_usd,
        case scopes.scope
            when 'provider' then spend.provider
            when 'team' then spend.team_name
            when 'api_key' then spend.api_key_id
            else spend.model
        end as scope_name,
        if(scopes.scope = 'team', 'all', spend.provider) as calendar,
        coalesce(
            if(scopes.scope = 'api_key', null, coalesce(key_names.api_key_name, spend.api_key_id, spend.user_email)),
            if(scopes.scope = 'model', null, spend.model),
            'other'
        ) as contributor
    from ai_usage_analytics.ai_spend as spend
    left join key_names on spend.api_key_id = key_names.api_key_id
    cross join scopes
    where
        spend.spend_date between date_sub(@first_day, interval 35 day) and @last_day
        and spend.charge_type != 'subscription'
        and spend.billed_usd is not null
),

-- The contributors: the difference of each from its own mean of the same days before.
shares as (
    select
        unusual.kind,
        unusual.scope,
        unusual.scope_name,
        unusual.calendar,
        unusual.spend_date,
        charges.contributor,
        cast(sum(if(charges.spend_date = unusual.spend_date, charges.billed_usd, 0)) as float64)
        - safe_divide(
            cast(sum(if(charges.spend_date < unusual.spend_date, charges.billed_usd, 0)) as float64),
            max(unusual.days_before)
        ) as excess_usd
    from unusual
    inner join charges
        on
            unusual.scope = charges.scope
            and unusual.scope_name = charges.scope_name
            and unusual.calendar = charges.calendar
            and unusual.spend_date >= charges.spend_date
            and date_sub(unusual.spend_date, interval 35 day) <= charges.spend_date
            and unusual.is_weekend = (extract(dayofweek from charges.spend_date) in (1, 7))
    group by
        unusual.kind, unusual.scope, unusual.scope_name, unusual.calendar, unusual.spend_date, charges.contributor
),

ranked as (
    select
        kind,
        scope,
        scope_name,
        calendar,
        spend_date,
        contributor,
        excess_usd,
        row_number() over (
            partition by kind, scope, scope_name, calendar, spend_date
            order by round(if(kind = 'drop', -excess_usd, excess_usd), 6) desc, contributor
        ) as place
    from shares
    where if(kind = 'drop', -excess_usd, excess_usd) >= 1
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
    where place <= 3
    group by kind, scope, scope_name, calendar, spend_date
),

-- New: not seen for 90 days, or for as long as days are known, which must be at least two weeks.
beginnings as (
    select
        eras.scope,
        eras.scope_name,
        eras.label,
        eras.provider,
        series.spend_date,
        series.usage_usd,
        sum(series.usage_usd) over (
            partition by eras.scope, eras.scope_name, eras.calendar, eras.first_date
            order by series.spend_date
            rows between unbounded preceding and current row
        ) as so_far_usd
    from eras
    inner join series
        on
            eras.scope = series.scope
            and eras.scope_name = series.scope_name
            and eras.calendar = series.calendar
            and eras.first_date <= series.spend_date
            and date_add(eras.first_date, interval 90 day) > series.spend_date
            and (eras.next_date is null or eras.next_date > series.spend_date)
    where
        eras.scope in ('api_key', 'model')
        and eras.is_new
),

owners as (
    select
        provider,
        api_key_id,
        user_email,
        mapped_by,
        status,
        valid_from,
        valid_to
    from ai_usage_analytics.dim_api_key_mapping
),

-- By today's lists of members, if there are any. Each address of a member counts.
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

former_members as (
    select
        series.spend_date,
        'api_key' as scope,
        series.scope_name,
        series.label,
        series.provider,
        series.usage_usd,
        if(
            owners.mapped_by = 'none',
            'no owner; its creator is not a member', owners.user_email
        ) as contributors
    from series
    inner join owners
        on
            series.provider = owners.provider
            and series.scope_name = owners.api_key_id
            and (owners.valid_from is null or series.spend_date >= owners.valid_from)
            and (owners.valid_to is null or series.spend_date < owners.valid_to)
    inner join lists on series.provider = lists.provider
    left join members on owners.user_email = members.user_email
    where
        series.scope = 'api_key'
        and (
            (owners.mapped_by = 'none' and owners.status is not null)
            or (owners.user_email is not null and members.user_email is null)
        )
    union all
    select
        spend.spend_date,
        'person' as scope,
        spend.user_email as scope_name,
        spend.user_email as label,
        spend.provider,
        sum(spend.billed_usd) as usage_usd,
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
),

found as (
    select
        unusual.spend_date,
        unusual.kind,
        unusual.scope,
        unusual.scope_name,
        unusual.label,
        unusual.provider,
        unusual.usage_usd as spent_usd,
        cast(round(unusual.expected_usd, 2) as numeric) as expected_usd,
        cast(round((unusual.spent - unusual.expected_usd) / unusual.deviation_usd, 2) as numeric) as score_ratio,
        named.contributors,
        concat(
            unusual.kind, '/', unusual.scope, '/', coalesce(concat(unusual.provider, '/'), ''), unusual.scope_name, '/',
            format_date('%Y-%m-%d', unusual.spend_date)
        ) as alert_key
    from unusual
    left join named
        on
            unusual.kind = named.kind
            and unusual.scope = named.scope
            and unusual.scope_name = named.scope_name
            and unusual.calendar = named.calendar
            and unusual.spend_date = named.spend_date
    union all
    select
        spend_date,
        if(scope = 'model', 'new_model', 'new_key') as kind,
        scope,
        scope_name,
        label,
        provider,
        so_far_usd as spent_usd,
        cast(0 as numeric) as expected_usd,
        cast(null as numeric) as score_ratio,
        cast(null as string) as contributors,
        concat(if(scope = 'model', 'new_model', 'new_key'), '/', provider, '/', scope_name) as alert_key
    from beginnings
    where
        so_far_usd >= 5
        and so_far_usd - usage_usd < 5
    union all
    select
        spend_date,
        'departed_member' as kind,
        scope,
        scope_name,
        label,
        provider,
        usage_usd as spent_usd,
        cast(0 as numeric) as expected_usd,
        cast(null as numeric) as score_ratio,
        contributors,
        concat(
            'departed_member/', scope, '/', provider, '/', scope_name, '/', format_date('%Y-%m', spend_date)
        ) as alert_key
    from former_members
    where usage_usd > 0
)

select
    spend_date,
    kind,
    scope,
    scope_name,
    label,
    provider,
    spent_usd,
    expected_usd,
    spent_usd - expected_usd as excess_usd,
    score_ratio,
    contributors,
    alert_key
from found
where spend_date between @first_day and @last_day
