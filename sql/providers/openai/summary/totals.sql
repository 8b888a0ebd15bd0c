-- The whole period in one row: money and its total without grouping, how much of it is attributed to keys, tokens, and
-- what people did in Codex. What no report has is null.
with costs as (
    select
        sum(amount_usd) as cost_usd,
        sum(if(allocation_method = 'measured', amount_usd, 0)) as measured_usd,
        sum(if(allocation_method = 'allocated', amount_usd, 0)) as allocated_usd,
        count(distinct project_id) as projects
    from ai_usage_analytics.openai_attributed_costs
    where activity_date between @first_day and @last_day
),

totals as (
    select sum(amount_usd) as total_usd
    from ai_usage_analytics.openai_daily_cost
    where activity_date between @first_day and @last_day
),

tokens as (
    select
        sum(if(endpoint != 'moderations', input_tokens, 0)) as input_tokens,
        sum(input_cached_tokens) as cached_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(if(endpoint != 'web_search_calls', request_count, 0)) as requests
    from ai_usage_analytics.openai_usage
    where activity_date between @first_day and @last_day
),

codex as (
    select
        count(distinct coalesce(user_email, user_id)) as people,
        sum(thread_count) as threads,
        sum(turn_count) as turns,
        sum(credits) as credits
    from ai_usage_analytics.codex_usage_stats
    where activity_date between @first_day and @last_day
)

select
    costs.cost_usd,
    totals.total_usd,
    costs.measured_usd,
    costs.allocated_usd,
    costs.projects,
    tokens.input_tokens,
    tokens.cached_input_tokens,
    tokens.output_tokens,
    tokens.requests,
    codex.people as codex_people,
    codex.threads as codex_threads,
    codex.turns as codex_turns,
    codex.credits as codex_credits
from costs
cross join totals
cross join tokens
cross join codex
