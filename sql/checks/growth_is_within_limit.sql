-- The newest month that can be compared with the month before, if its growth is above the limit of growth_thresholds.
-- One row for all providers together and one for each.
with thresholds as (
    select
        least_days,
        growth_usd
    from ai_usage_analytics.growth_thresholds
),

comparable as (
    select max(growth.month) as month
    from ai_usage_analytics.spend_growth as growth
    cross join thresholds
    where
        growth.scope = 'total'
        and growth.days >= thresholds.least_days
        and growth.growth_ratio is not null
)

select
    concat('growth/', growth.month, '/', growth.scope, '/', growth.scope_name) as alert_key,
    growth.month,
    growth.scope,
    growth.scope_name,
    growth.days,
    growth.spent_usd,
    growth.previous_usd,
    growth.growth_usd,
    growth.growth_ratio
from ai_usage_analytics.spend_growth as growth
inner join comparable on growth.month = comparable.month
cross join thresholds
where growth.growth_usd >= thresholds.growth_usd
order by growth.scope desc, growth.growth_usd desc, alert_key asc
