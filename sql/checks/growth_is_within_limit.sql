-- The newest month that has at least two weeks to compare with the month before, if it cost $50 more: shorter spans
-- differ by their weekends alone. One row for all providers together and one for each.
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
