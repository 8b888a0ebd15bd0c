-- The limits by which spend_anomalies decides what to report, each with its reason.
--
-- grain: one row
-- built: view
-- group: spend
-- columns:
--   baseline_days integer not null: a day is compared with the days of so many days before: five weeks have 25 days
--     from Monday to Friday and 10 of weekends, enough for a median, and follow a company that grows
--   least_weekdays_count integer not null: with fewer days from Monday to Friday before, a day is not compared
--   least_weekend_days_count integer not null: likewise for weekends, of which there are fewer
--   least_same_weekday_count integer not null: from so many Mondays on, Mondays have a baseline of their own: a job of
--     every Monday is no anomaly
--   compared_usd numeric not null: a cheaper day of a key or model is not compared: it cannot be a spike
--   deviation_usd numeric not null: a smaller difference from the baseline is not worth an alert
--   deviations_ratio float not null: a difference counts from so many deviations on
--   normal_ratio float not null: the median absolute deviation times this is a normal distribution's standard deviation
--   least_deviation_ratio float not null: a deviation is at least this part of the baseline, since a key may cost the
--     same every day
--   least_deviation_usd float not null: and at least so much: five of them are deviation_usd
--   spike_ratio float not null: a spike is so many times the 90 % quantile of the days before: one day in ten is high
--   drop_baseline_usd float not null: with a lower baseline, a drop is not worth an alert
--   drop_ratio float not null: a drop has this part of the baseline or less; a holiday often has more
--   contributor_usd float not null: a contributor with a smaller part is not listed
--   contributors_count integer not null: so many contributors are listed
--   restart_days integer not null: after so many days without spend a key or model is new again
--   known_days integer not null: days must be known for so many days before anything counts as new: on the first day of
--     the history everything would be
--   new_usd numeric not null: a key or model is reported once it has cost so much: trials of a few cents are not
select
    35 as baseline_days,
    8 as least_weekdays_count,
    4 as least_weekend_days_count,
    3 as least_same_weekday_count,
    cast(20 as numeric) as compared_usd,
    cast(40 as numeric) as deviation_usd,
    5.0 as deviations_ratio,
    1.4826 as normal_ratio,
    0.1 as least_deviation_ratio,
    8.0 as least_deviation_usd,
    1.2 as spike_ratio,
    50.0 as drop_baseline_usd,
    0.25 as drop_ratio,
    1.0 as contributor_usd,
    3 as contributors_count,
    90 as restart_days,
    14 as known_days,
    cast(5 as numeric) as new_usd
