-- The last result of each check and day; a check without days counts in the month in which it was evaluated.
select
    asset,
    check_name,
    format_date('%Y-%m', coalesce(checked_date, date(evaluated_at))) as month,
    result,
    if(result = 'failed', 1, 0) as failed,
    if(result = 'warned', 1, 0) as warned,
    if(result = 'not evaluated', 1, 0) as not_evaluated
from ai_usage_analytics.check_results
