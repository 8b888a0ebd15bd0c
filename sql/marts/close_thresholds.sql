-- The limits of the month close, each with its reason.
--
-- grain: one row
-- question: How close must a month be to the console's figure to be closed?
-- example: select match_usd, match_ratio, rounding_usd from ai_usage_analytics.close_thresholds
-- built: view
-- group: close
-- columns:
--   rounding_usd numeric not null: a figure is given in cents, so half a cent is rounding
--   least_period_days integer not null: a figure of fewer days covers a month to date, not a month
--   ledger_usd numeric not null: a day equals the ledger, except for rounding of its lines
--   match_usd numeric not null: a figure matches within a cent, which is how it is given
--   match_ratio numeric not null: or within this part of it: a page of a console may be rounded line by line
select
    cast('0.005' as numeric) as rounding_usd,
    28 as least_period_days,
    cast('0.000001' as numeric) as ledger_usd,
    cast('0.01' as numeric) as match_usd,
    cast('0.0001' as numeric) as match_ratio
