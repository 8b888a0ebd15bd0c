-- The rows of Google's core tables that stand for one record each: the costs of gemini_costs. Credits stand within one.
select
    'gemini_billing' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.gemini_costs
where
    activity_date between @first_day and @last_day
    and credit_type is null
