-- Billed cost of each model in the period, largest first; cost without a model is shown by its kind.
select
    coalesce(model, cost_type, 'other') as label,
    sum(amount_usd) as cost_usd
from ai_usage_analytics.claude_costs
where activity_date between @first_day and @last_day
group by label
order by cost_usd desc
