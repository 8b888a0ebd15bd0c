-- The limits by which spend_anomalies decides what to report, each with its reason: those here, and in place of them
-- the ones that the file of AI_USAGE_THRESHOLDS has.
--
-- grain: one row
-- question: Which limits decide what counts as an anomaly?
-- example: select deviation_usd, spike_ratio, drop_ratio, new_usd from ai_usage_analytics.anomaly_thresholds
-- built: view
-- group: spend
-- columns:
--   baseline_days integer not null: a day is compared with the days of so many days before: five weeks have 25 days
--     from Monday to Friday and 10 of weekends, enough for a median, and follow a company that grows
--   least_history_days integer not null: a series is compared from so many days after its first day of spend on: four
--     weeks show its rhythm. Before, it is neither a spike nor a drop
--   least_weekdays_count integer not null: with fewer days from Monday to Friday before, a day is not compared
--   least_weekend_days_count integer not null: likewise for weekends, of which there are fewer
--   least_same_weekday_count integer not null: from so many Mondays on, Mondays have a baseline of their own: a job of
--     every Monday is no anomaly
--   compared_usd numeric not null: a cheaper day of a key or model is not compared: it cannot be a spike
--   deviation_usd numeric not null: a smaller difference from the baseline is not worth an alert; below 20 it needs a
--     lower compared_usd too
--   deviations_ratio float not null: a difference counts from so many deviations on
--   normal_ratio float not null: the median absolute deviation times this is a normal distribution's standard deviation
--   least_deviation_ratio float not null: a deviation is at least this part of the baseline, since a key may cost the
--     same every day
--   least_deviation_usd float not null: and at least so much: five of them are deviation_usd
--   spike_ratio float not null: a spike is so many times as far above the median as the most expensive day of the five
--     weeks: batches that come and go are none, nor is work on a weekend
--   rise_ratio float not null: a key whose cheapest workday of the last seven days is so many times its median rises:
--     that is a spike too, however slowly it came
--   repeat_days integer not null: of a deviation that goes on, with gaps of so many days at most (35 or less), only the
--     first day is alerted
--   drop_baseline_usd float not null: with a lower baseline, a drop is not worth an alert
--   drop_ratio float not null: a drop has this part of the baseline or less; a holiday often has more
--   contributor_usd float not null: a contributor with a smaller part is not listed
--   contributors_count integer not null: so many contributors are listed
--   restart_days integer not null: after so many days without spend a key or model is new again
--   known_days integer not null: days must be known for so many days before anything counts as new: on the first day of
--     the history everything would be
--   new_usd numeric not null: a key or model is reported once it has cost so much: trials of a few cents are not
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
