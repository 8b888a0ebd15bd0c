-- The limits by which growth_is_within_limit decides which months to compare and what to report, each with its reason.
-- The file of AI_USAGE_THRESHOLDS can replace them. The ratio is AI_USAGE_GROWTH_AT_MOST.
--
-- grain: one row
-- question: Which limits decide what counts as growth?
-- example: select least_days, growth_usd from ai_usage_analytics.growth_thresholds
-- built: view
-- group: spend
-- columns:
--   least_days integer not null: a month is compared from this many days on: shorter spans differ by their weekends
--   growth_usd numeric not null: a smaller growth is not worth an alert, whatever its ratio
with own as (
    select
        max(if(threshold = 'least_days', value, null)) as least_days,
        max(if(threshold = 'growth_usd', value, null)) as growth_usd
    from ai_usage_analytics.threshold_overrides
    where subject = 'growth'
)

select
    coalesce(cast(own.least_days as int64), 14) as least_days,
    coalesce(own.growth_usd, cast(50 as numeric)) as growth_usd
from own
