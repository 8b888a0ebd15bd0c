-- The newest month of which two weeks or more can be compared with the month before, where it came to $50 more: shorter
-- spans differ by their weekends alone. One row for all, and for each provider.
with comparable as (
    select max(month) as month
    from ai_usage_analytics.spend_growth
    where
        scope = 'total'
        and days >= 14
        and growth_ratio is not null
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
where growth.growth_usd >= 50
order by growth.scope desc, growth.growth_usd desc, alert_key asc
