-- The last result of each check and day; a check without days counts on the day on which it was evaluated.
select
    asset,
    check_name,
    coalesce(checked_date, date(evaluated_at)) as checked_date,
    result,
    if(result = 'failed', 1, 0) as failed,
    if(result = 'warned', 1, 0) as warned,
    if(result = 'not evaluated', 1, 0) as not_evaluated
from ai_usage_analytics.check_results
