-- The limits by which spend_anomalies decides what to report, each with its reason. The file of AI_USAGE_THRESHOLDS can
-- replace them.
--
-- grain: one row
-- question: Which limits decide what counts as an anomaly?
-- example: select deviation_usd, spike_ratio, drop_ratio, new_usd from ai_usage_analytics.anomaly_thresholds
-- built: view
-- group: spend
-- columns:
--   baseline_days integer not null: a day is compared with this many days before: five weeks have 25 days from Monday
--     to Friday and 10 days of weekends, enough for a median, and they follow a company that grows
--   least_history_days integer not null: a series is compared from this many days after its first day of spend on:
--     four weeks show its rhythm. Before, it is neither a spike nor a drop
--   least_weekdays_count integer not null: with fewer days from Monday to Friday before, a day is not compared
--   least_weekend_days_count integer not null: likewise for weekends, of which there are fewer
--   least_same_weekday_count integer not null: from this many Mondays on, Mondays have a separate baseline: a weekly
--     job on Mondays is no anomaly
--   compared_usd numeric not null: a cheaper day of a key or model is not compared: it cannot be a spike
--   deviation_usd numeric not null: a smaller difference from the baseline is not worth an alert; below 20 it needs a
--     lower compared_usd too
--   deviations_ratio float not null: a difference counts from this many deviations on
--   normal_ratio float not null: the median absolute deviation times this is a normal distribution's standard deviation
--   least_deviation_ratio float not null: a deviation is at least this part of the baseline, since a key may cost the
--     same every day
--   least_deviation_usd float not null: and at least this amount: five times it is deviation_usd
--   spike_ratio float not null: a spike is this many times as far above the median as the most expensive day of five
--     weeks: batches that come and go are none, nor is work on a weekend
--   rise_ratio float not null: a key rises if its cheapest workday of the last seven days is this many times its
--     median: that is a spike too, however slowly it came
--   repeat_days integer not null: only the first day of a deviation that goes on is alerted; gaps of this many days, at
--     most 35, do not end it
--   drop_baseline_usd float not null: with a lower baseline, a drop is not worth an alert
--   drop_ratio float not null: a drop has this part of the baseline or less; a holiday often has more
--   contributor_usd float not null: a contributor with a smaller part is not listed
--   contributors_count integer not null: the number of contributors that are listed
--   restart_days integer not null: after this many days without spend a key or model is new again
--   known_days integer not null: this many days must be known before anything counts as new: on the first day of the
--     history everything would be new
--   new_usd numeric not null: a key or model is reported once it has cost this much: trials of a few cents are not
with own as (
    select
        max(if(threshold = 'baseline_days', value, null)) as baseline_days,
        max(if(threshold = 'least_history_days', value, null)) as least_history_days,
        max(if(threshold = 'least_weekdays_count', value, null)) as least_weekdays_count,
        max(if(threshold = 'least_weekend_days_count', value, null)) as least_weekend_days_count,
        max(if(threshold = 'least_same_weekday_count', value, null)) as least_same_weekday_count,
        max(if(threshold = 'compared_usd', value, null)) as compared_usd,
        max(if(threshold = 'deviation_usd', value, null)) as deviation_usd,
        max(if(threshold = 'deviations_ratio', value, null)) as deviations_ratio,
        max(if(threshold = 'least_deviation_ratio', value, null)) as least_deviation_ratio,
        max(if(threshold = 'least_deviation_usd', value, null)) as least_deviation_usd,
        max(if(threshold = 'spike_ratio', value, null)) as spike_ratio,
        max(if(threshold = 'rise_ratio', value, null)) as rise_ratio,
        max(if(threshold = 'repeat_days', value, null)) as repeat_days,
        max(if(threshold = 'drop_baseline_usd', value, null)) as drop_baseline_usd,
        max(if(threshold = 'drop_ratio', value, null)) as drop_ratio,
        max(if(threshold = 'contributor_usd', value, null)) as contributor_usd,
        max(if(threshold = 'contributors_count', value, null)) as contributors_count,
        max(if(threshold = 'restart_days', value, null)) as restart_days,
        max(if(threshold = 'known_days', value, null)) as known_days,
        max(if(threshold = 'new_usd', value, null)) as new_usd
    from ai_usage_analytics.threshold_overrides
    where subject = 'anomaly'
)

select
    coalesce(cast(own.baseline_days as int64), 35) as baseline_days,
    coalesce(cast(own.least_history_days as int64), 28) as least_history_days,
    coalesce(cast(own.least_weekdays_count as int64), 8) as least_weekdays_count,
    coalesce(cast(own.least_weekend_days_count as int64), 4) as least_weekend_days_count,
    coalesce(cast(own.least_same_weekday_count as int64), 3) as least_same_weekday_count,
    coalesce(own.compared_usd, cast(20 as numeric)) as compared_usd,
    coalesce(own.deviation_usd, cast(40 as numeric)) as deviation_usd,
    coalesce(cast(own.deviations_ratio as float64), 5.0) as deviations_ratio,
    1.4826 as normal_ratio,
    coalesce(cast(own.least_deviation_ratio as float64), 0.1) as least_deviation_ratio,
    coalesce(cast(own.least_deviation_usd as float64), 8.0) as least_deviation_usd,
    coalesce(cast(own.spike_ratio as float64), 2.0) as spike_ratio,
    coalesce(cast(own.rise_ratio as float64), 1.3) as rise_ratio,
    coalesce(cast(own.repeat_days as int64), 7) as repeat_days,
    coalesce(cast(own.drop_baseline_usd as float64), 50.0) as drop_baseline_usd,
    coalesce(cast(own.drop_ratio as float64), 0.25) as drop_ratio,
    coalesce(cast(own.contributor_usd as float64), 1.0) as contributor_usd,
    coalesce(cast(own.contributors_count as int64), 3) as contributors_count,
    coalesce(cast(own.restart_days as int64), 90) as restart_days,
    coalesce(cast(own.known_days as int64), 14) as known_days,
    coalesce(own.new_usd, cast(5 as numeric)) as new_usd
from own
