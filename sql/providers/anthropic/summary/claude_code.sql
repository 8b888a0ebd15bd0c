-- Activity in Claude Code in the period. The estimate for API customers is part of the billed cost: never add it.
select
    count(distinct user_email) as people,
    sum(num_sessions) as sessions,
    sum(lines_added) as lines_added,
    sum(lines_removed) as lines_removed,
    sum(commits_by_claude_code) as commits,
    sum(pull_requests_by_claude_code) as pull_requests,
    sum(if(customer_type = 'api', estimated_cost_usd, 0)) as estimated_api_usd,
    sum(if(customer_type = 'api', 0, estimated_cost_usd)) as estimated_subscription_usd
from ai_usage_analytics.claude_code_usage_stats
where activity_date between @first_day and @last_day
