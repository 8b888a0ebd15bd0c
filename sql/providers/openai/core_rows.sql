-- The rows of OpenAI's core tables that stand for one record each.
select
    'openai_costs' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.openai_costs
where activity_date between @first_day and @last_day
union all
select
    concat('openai_usage_', endpoint) as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.openai_usage
where activity_date between @first_day and @last_day
