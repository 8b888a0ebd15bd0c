-- The rows of core that are one record each of a pull of the toy provider.
select
    'toy_bill' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.toy_costs
where activity_date between @first_day and @last_day
