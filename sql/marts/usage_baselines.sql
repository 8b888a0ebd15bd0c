-- The baseline of each day on which a provider, team, API key or model cost far more or less than before. A day is
-- compared with known days of its own kind (working day, or weekend and public holiday) in the five weeks before. The
-- baseline is their median, or that of the same weekday: the higher one for a spike, so that a weekly job is none, the
-- lower one for a drop. The deviation is the median absolute deviation, scaled to the standard deviation of a normal
-- distribution. anomaly_thresholds has the limits. Days near their median have no row here, nor has a series in its
-- first 28 days.
--
-- grain: one day of one provider, team, API key or model, if it is far from its median
-- step of: spend_anomalies
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   scope string not null: provider, team, api_key or model
--   scope_name string not null: as in usage_series
--   provider string: null for teams
--   calendar string not null: as in usage_series
--   is_weekend boolean not null: whether it is compared with weekends: it is one, or a public holiday
--   usage_usd numeric not null: billed for usage on the day
--   days_before_count integer not null: the days it is compared with
--   high_usd float not null: the most expensive day of the five weeks, of either kind
--   low_usd float not null: the cheapest of them
--   week_low_usd float: the cheapest of those of the last seven days; null if none of them is known
--   median_usd float not null: their median
--   spike_baseline_usd float not null: the baseline for a spike
--   drop_baseline_usd float not null: the baseline for a drop
--   deviation_usd float not null: one deviation
with known as (
    select
        days.spend_date,
        days.scope_name as calendar,
        if(holidays.holiday_date is null, extract(dayofweek from days.spend_date), 1) as weekday,
        holidays.holiday_date is not null or extract(dayofweek from days.spend_date) in (1, 7) as is_weekend
    from ai_usage_analytics.spend_by_scope as days
    left join ai_usage_analytics.dim_holiday as holidays on days.spend_date = holidays.holiday_date
    where
        days.spend_date between date_sub(@first_day, interval 180 day) and @last_day
        and days.scope in ('total', 'provider')
        and days.is_complete
),

series as (
    select *
    from ai_usage_analytics.usage_series
    where spend_date between date_sub(@first_day, interval 180 day) and @last_day
),

-- For keys and models, the days that may be spikes; for providers and teams, which may drop, also days without spend.
compared as (
    select
        periods.scope,
        periods.scope_name,
        periods.provider,
        periods.calendar,
        known.spend_date,
        known.weekday,
        known.is_weekend,
        thresholds.deviation_usd as worth_usd,
        coalesce(series.usage_usd, cast(0 as numeric)) as usage_usd,
        greatest(
            periods.first_date, date_sub(known.spend_date, interval thresholds.baseline_days day)
        ) as compared_from,
        if(known.is_weekend, thresholds.least_weekend_days_count, thresholds.least_weekdays_count) as least_count
    from ai_usage_analytics.usage_periods as periods
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    inner join known
        on
            periods.calendar = known.calendar
            and date_add(periods.first_date, interval thresholds.least_history_days day) <= known.spend_date
            and date_add(periods.last_date, interval thresholds.baseline_days day) >= known.spend_date
    left join series
        on
            periods.scope = series.scope
            and periods.scope_name = series.scope_name
            and periods.calendar = series.calendar
            and known.spend_date = series.spend_date
    where
        known.spend_date >= @first_day
        and (periods.scope in ('provider', 'team', 'api_key') or series.usage_usd >= thresholds.compared_usd)
),

before as (
    select
        compared.*,
        known.weekday = compared.weekday as is_same_weekday,
        known.is_weekend = compared.is_weekend as is_alike,
        date_diff(compared.spend_date, known.spend_date, day) <= 7 as is_of_last_week,
        cast(compared.usage_usd as float64) as spent_usd,
        cast(coalesce(series.usage_usd, cast(0 as numeric)) as float64) as before_usd
    from compared
    inner join known
        on
            compared.calendar = known.calendar
            and compared.spend_date > known.spend_date
            and compared.compared_from <= known.spend_date
    left join series
        on
            compared.scope = series.scope
            and compared.scope_name = series.scope_name
            and compared.calendar = series.calendar
            and known.spend_date = series.spend_date
),

-- A day that is $40 off its median is at least that far off half of the days: medians are calculated only for such
-- days.
candidates as (
    select
        scope,
        scope_name,
        calendar,
        spend_date,
        countif(is_alike) as days_before_count
    from before
    group by scope, scope_name, calendar, spend_date
    having
        countif(is_alike) >= max(least_count)
        and 2 * greatest(
            countif(is_alike and spent_usd - before_usd >= worth_usd),
            countif(is_alike and before_usd - spent_usd >= worth_usd)
        ) >= countif(is_alike)
),

medians as (
    select
        before.*,
        candidates.days_before_count,
        percentile_cont(before.before_usd, 0.5) over (
            partition by before.scope, before.scope_name, before.calendar, before.spend_date, before.is_alike
        ) as median_usd,
        percentile_cont(before.before_usd, 0.5) over (
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
        percentile_cont(abs(before_usd - median_usd), 0.5) over (
            partition by scope, scope_name, calendar, spend_date, is_alike
        ) as absolute_deviation_usd
    from medians
),

days as (
    select
        spend_date,
        scope,
        scope_name,
        provider,
        calendar,
        is_weekend,
        usage_usd,
        days_before_count,
        max(before_usd) as high_usd,
        min(if(is_alike, before_usd, null)) as low_usd,
        min(if(is_alike and is_of_last_week, before_usd, null)) as week_low_usd,
        max(if(is_alike, median_usd, null)) as median_usd,
        max(if(is_alike, absolute_deviation_usd, null)) as absolute_deviation_usd,
        max(if(is_same_weekday, weekday_median_usd, null)) as weekday_usd,
        countif(is_same_weekday) as same_weekday_count
    from deviations
    group by spend_date, scope, scope_name, provider, calendar, is_weekend, usage_usd, days_before_count
)

select
    days.spend_date,
    days.scope,
    days.scope_name,
    days.provider,
    days.calendar,
    days.is_weekend,
    days.usage_usd,
    days.days_before_count,
    days.high_usd,
    days.low_usd,
    days.week_low_usd,
    days.median_usd,
    if(
        days.same_weekday_count >= thresholds.least_same_weekday_count,
        greatest(days.median_usd, days.weekday_usd), days.median_usd
    ) as spike_baseline_usd,
    if(
        days.same_weekday_count >= thresholds.least_same_weekday_count,
        least(days.median_usd, days.weekday_usd), days.median_usd
    ) as drop_baseline_usd,
    greatest(
        thresholds.normal_ratio * days.absolute_deviation_usd,
        thresholds.least_deviation_ratio * days.median_usd,
        thresholds.least_deviation_usd
    ) as deviation_usd
from days
cross join ai_usage_analytics.anomaly_thresholds as thresholds
