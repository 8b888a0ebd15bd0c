-- How many checks passed, warned, failed and were not evaluated on each day.
select
    checked_date,
    result,
    count(*) as results
from ai_usage_analytics.check_results
where checked_date is not null
group by checked_date, result
