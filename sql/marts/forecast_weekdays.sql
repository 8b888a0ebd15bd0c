-- The expected cost of a day by weekday, from the data known on the day of a forecast: the mean of the last four
-- such weekdays (weekday_mean), the median of the last eight (weekday_median), or the mean of eight in which each week
-- weighs 0.6 of the week after it and an outlier counts only up to a limit (weekday_ewma). A weekday that is missing in
-- these weeks is expected to cost their mean.
--
-- grain: one weekday of one scope, as known on the day of one forecast
-- step of: spend_forecast
-- built: whole
-- group: forecast
-- columns:
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   origin_date date not null: the last day that was known
--   weekday integer not null: 1 on Sunday and public holidays to 7 on Saturday
--   mean_usd float not null: usage of such a day, by weekday_mean
--   median_usd float not null: by weekday_median
--   ewma_usd float not null: by weekday_ewma
--   spread_usd float not null: the standard deviation of days from what their weekday is expected to cost
with origins as (
    select
        scope,
        scope_name,
        spend_date as origin_date
    from ai_usage_analytics.forecast_history
    where is_origin
),

seen as (
    select
        origins.scope,
        origins.scope_name,
        origins.origin_date,
        history.weekday,
        cast(history.usage_usd as float64) as usage_usd,
        date_diff(origins.origin_date, history.spend_date, day) < thresholds.mean_days as is_recent,
        pow(
            thresholds.week_weight_ratio, div(date_diff(origins.origin_date, history.spend_date, day), 7)
        ) as weight
    from origins
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    inner join ai_usage_analytics.forecast_history as history
        on
            origins.scope = history.scope
            and origins.scope_name = history.scope_name
            and origins.origin_date >= history.spend_date
            and history.spend_date > date_sub(origins.origin_date, interval thresholds.history_days day)
),

of_weekday as (
    select
        scope,
        scope_name,
        origin_date,
        weekday,
        count(*) as days,
        array_agg(usage_usd order by usage_usd) as usages,
        avg(if(is_recent, usage_usd, null)) as mean_usd
    from seen
    group by scope, scope_name, origin_date, weekday
),

weekdays as (
    select
        scope,
        scope_name,
        origin_date,
        weekday,
        mean_usd,
        (usages[ordinal(div(days + 1, 2))] + usages[ordinal(div(days, 2) + 1)]) / 2 as median_usd
    from of_weekday
),

beside as (
    select
        seen.*,
        weekdays.median_usd,
        coalesce(weekdays.mean_usd, weekdays.median_usd) as mean_usd
    from seen
    inner join weekdays
        on
            seen.scope = weekdays.scope
            and seen.scope_name = weekdays.scope_name
            and seen.origin_date = weekdays.origin_date
            and seen.weekday = weekdays.weekday
),

spreads as (
    select
        scope,
        scope_name,
        origin_date,
        avg(usage_usd) as mean_usd,
        avg(abs(usage_usd - median_usd)) as deviation_usd,
        sqrt(avg((usage_usd - mean_usd) * (usage_usd - mean_usd))) as spread_usd
    from beside
    group by scope, scope_name, origin_date
),

-- A day counts as at most so many mean deviations from its weekday's median: one batch run is no rhythm.
ewmas as (
    select
        beside.scope,
        beside.scope_name,
        beside.origin_date,
        beside.weekday,
        sum(beside.weight * greatest(
            beside.median_usd - thresholds.outlier_deviations_ratio * spreads.deviation_usd,
            least(
                beside.median_usd + thresholds.outlier_deviations_ratio * spreads.deviation_usd,
                beside.usage_usd
            )
        )) / sum(beside.weight) as ewma_usd
    from beside
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    inner join spreads
        on
            beside.scope = spreads.scope
            and beside.scope_name = spreads.scope_name
            and beside.origin_date = spreads.origin_date
    group by beside.scope, beside.scope_name, beside.origin_date, beside.weekday
),

wanted as (
    select
        spreads.*,
        weekday
    from spreads
    cross join unnest(generate_array(1, 7)) as weekday
)

select
    wanted.scope,
    wanted.scope_name,
    wanted.origin_date,
    wanted.weekday,
    coalesce(weekdays.mean_usd, wanted.mean_usd) as mean_usd,
    coalesce(weekdays.median_usd, wanted.mean_usd) as median_usd,
    coalesce(ewmas.ewma_usd, wanted.mean_usd) as ewma_usd,
    wanted.spread_usd
from wanted
left join weekdays
    on
        wanted.scope = weekdays.scope
        and wanted.scope_name = weekdays.scope_name
        and wanted.origin_date = weekdays.origin_date
        and wanted.weekday = weekdays.weekday
left join ewmas
    on
        wanted.scope = ewmas.scope
        and wanted.scope_name = ewmas.scope_name
        and wanted.origin_date = ewmas.origin_date
        and wanted.weekday = ewmas.weekday
