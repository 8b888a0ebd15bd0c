-- The whole period in one row: cost of AI after credits and before tax, its credits and seats, and other cost.
select
    sum(if(platform is not null, amount_usd, null)) as cost_usd,
    sum(if(platform is not null and charge_type = 'credit', amount_usd, cast(0 as numeric))) as credit_usd,
    sum(if(platform is not null and charge_type = 'subscription', amount_usd, cast(0 as numeric))) as seats_usd,
    sum(if(platform is null and charge_type != 'tax', amount_usd, cast(0 as numeric))) as other_usd,
    sum(if(charge_type = 'tax', amount_usd, cast(0 as numeric))) as tax_usd,
    sum(if(unit = 'tokens' and meter like '%output%', quantity, cast(0 as numeric))) as output_tokens,
    sum(if(unit = 'tokens' and meter not like '%output%', quantity, cast(0 as numeric))) as input_tokens
from ai_usage_analytics.gemini_costs
where activity_date between @first_day and @last_day
