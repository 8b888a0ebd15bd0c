-- The limits by which seats are called under-used and plans are compared, each with its reason. seat_use describes how
-- idle seats are found.
--
-- grain: one row
-- question: Which limits decide whether a seat is under-used, and how plans are compared?
-- example: select most_weeks, least_weeks, under_used_days from ai_usage_analytics.seat_thresholds
-- built: view
-- group: activity
-- columns:
--   most_weeks integer not null: plans are compared by the last twelve weeks: older use is another habit, and newer
--     weeks alone are too few for a narrow interval
--   least_weeks integer not null: with fewer whole weeks known there is no recommendation: one holiday would decide it
--   new_days integer not null: a person who is in the tab people for less than a month is new, as in seat_use
--   under_used_days integer not null: a seat used on fewer of the last 28 days than once a week is under-used
select
    12 as most_weeks,
    4 as least_weeks,
    30 as new_days,
    4 as under_used_days
