-- The rows of Claude's core tables that stand for one record each.
select
    'claude_cost_report' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.claude_costs
where activity_date between @first_day and @last_day
union all
select
    'claude_cost_totals' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.claude_daily_cost
where activity_date between @first_day and @last_day
union all
select
    'claude_messages_usage' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.claude_usage_tokens
where activity_date between @first_day and @last_day
union all
select
    'claude_code_usage' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.claude_code_usage_stats
where activity_date between @first_day and @last_day
