-- The billed cost of the current month so far and of the same days of the previous month, by provider.
with newest as (
    select max(month) as month from ai_usage_analytics.spend_growth
)

select
    growth.scope_name as provider,
    growth.days,
    growth.spent_usd,
    growth.previous_usd,
    growth.growth_usd
from ai_usage_analytics.spend_growth as growth
inner join newest on growth.month = newest.month
where
    growth.scope = 'provider'
    and growth.growth_usd is not null
