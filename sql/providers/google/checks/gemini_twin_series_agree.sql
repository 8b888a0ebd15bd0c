-- Quota metrics with a difference between the two series that Google keeps, one for each limit.
select
    activity_date,
    account,
    project_id,
    metric_type,
    model,
    quantity,
    twin_quantity
from ai_usage_analytics.gemini_usage
where
    activity_date between @first_day and @last_day
    and twin_quantity != quantity
order by activity_date, account, project_id, metric_type, model
