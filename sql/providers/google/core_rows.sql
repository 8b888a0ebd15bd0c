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
-- A row of metrics or of Code Assist's log stands for as many records as it was made of.
union all
select
    'gemini_metrics' as pull,
    used.account,
    used.activity_date,
    used.pull_id
from ai_usage_analytics.gemini_usage as used
cross join unnest(generate_array(1, used.record_count)) as record_number
where used.activity_date between @first_day and @last_day
union all
select
    'gemini_code_assist_log' as pull,
    stats.account,
    stats.activity_date,
    stats.pull_id
from ai_usage_analytics.gemini_code_assist_stats as stats
cross join unnest(generate_array(1, stats.record_count)) as record_number
where stats.activity_date between @first_day and @last_day
