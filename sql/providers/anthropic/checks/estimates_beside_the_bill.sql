-- Days on which ai_spend has other estimates of Claude Code than those of subscribers: API customers' are already part
-- of the bill and must not be in ai_spend, and subscribers' must all be there.
with subscribers as (
    select
        activity_date,
        sum(estimated_cost_usd) as estimated_usd
    from ai_usage_analytics.claude_code_model_usage
    where
        activity_date between @first_day and @last_day
        and customer_type != 'api'
    group by activity_date
),

spent as (
    select
        spend_date,
        sum(estimated_usd) as estimated_usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and meter = 'claude_code_estimate'
    group by spend_date
)

select
    coalesce(subscribers.activity_date, spent.spend_date) as activity_date,
    'anthropic' as provider,
    'claude_code_estimate' as meter,
    coalesce(subscribers.estimated_usd, 0) as expected_usd,
    coalesce(spent.estimated_usd, 0) as estimated_usd
from subscribers
full outer join spent on subscribers.activity_date = spent.spend_date
where coalesce(subscribers.estimated_usd, 0) != coalesce(spent.estimated_usd, 0)
order by activity_date
