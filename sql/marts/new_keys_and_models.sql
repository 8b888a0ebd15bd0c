-- API keys and models that are new: in use again after 90 days without spend, or for the first time since days are
-- known, which must be at least two weeks. Each is here on the day on which it has cost $5. anomaly_thresholds has
-- these limits.
--
-- grain: one new API key or model, on the UTC day on which its cost so far is worth a report
-- step of: spend_anomalies
-- built: daily by spend_date
-- group: spend
-- columns:
--   spend_date date not null: the UTC day
--   scope string not null: api_key or model
--   scope_name string not null: as in usage_series
--   provider string not null: as in usage_series
--   spent_usd numeric not null: billed for usage since its first day
with beginnings as (
    select
        series.spend_date,
        periods.scope,
        periods.scope_name,
        periods.provider,
        series.usage_usd,
        thresholds.new_usd,
        sum(series.usage_usd) over (
            partition by periods.scope, periods.scope_name, periods.calendar, periods.first_date
            order by series.spend_date
            rows between unbounded preceding and current row
        ) as spent_usd
    from ai_usage_analytics.usage_periods as periods
    cross join ai_usage_analytics.anomaly_thresholds as thresholds
    inner join ai_usage_analytics.usage_series as series
        on
            periods.scope = series.scope
            and periods.scope_name = series.scope_name
            and periods.calendar = series.calendar
            and periods.first_date <= series.spend_date
            and periods.last_date >= series.spend_date
            and date_add(periods.first_date, interval thresholds.restart_days day) > series.spend_date
    where
        periods.is_new
        and periods.scope in ('api_key', 'model')
        and periods.first_date > date_sub(@first_day, interval thresholds.restart_days day)
        and series.spend_date between date_sub(@first_day, interval 180 day) and @last_day
)

select
    spend_date,
    scope,
    scope_name,
    provider,
    spent_usd
from beginnings
where
    spend_date between @first_day and @last_day
    and spent_usd >= new_usd
    and spent_usd - usage_usd < new_usd
