-- The whole period in one row: money, days with and without cost, tokens.
with costs as (
    select
        sum(amount_usd) as cost_usd,
        count(distinct activity_date) as days_with_cost
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
),

tokens as (
    select
        sum(uncached_input_tokens) as uncached_input_tokens,
        sum(cache_read_input_tokens) as cache_read_input_tokens,
        sum(cache_creation_5m_tokens + cache_creation_1h_tokens) as cache_creation_tokens,
        sum(output_tokens) as output_tokens
    from ai_usage_analytics.claude_daily_tokens
    where activity_date between @first_day and @last_day
),

console as (
    select sum(amount_usd) as console_usd
    from ai_usage_analytics.claude_daily_cost
    where activity_date between @first_day and @last_day
)

select
    costs.cost_usd,
    console.console_usd,
    costs.days_with_cost,
    tokens.uncached_input_tokens,
    tokens.cache_read_input_tokens,
    tokens.cache_creation_tokens,
    tokens.output_tokens
from costs
cross join tokens
cross join console
