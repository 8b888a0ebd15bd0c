-- Amounts and units by everything that a list price depends on: the input of gemini_prices_are_published. Only use,
-- before credits and corrections, which have no price.
select
    activity_date,
    account,
    sku_name,
    model,
    meter,
    service_tier,
    unit,
    sum(amount_usd) as amount_usd,
    if(count(list_usd) = count(*), sum(list_usd), null) as list_usd,
    if(count(quantity) = count(*), sum(quantity), null) as units,
    count(*) as line_count
from ai_usage_analytics.gemini_costs
where
    activity_date between @first_day and @last_day
    and platform is not null
    and charge_type = 'usage'
    and cost_type = 'regular'
    and amount_usd > 0
group by activity_date, account, sku_name, model, meter, service_tier, unit
order by activity_date asc, sum(gemini_costs.amount_usd) desc, sku_name asc
