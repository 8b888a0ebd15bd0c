-- The check results of each day: passed, warned, failed and not judged.
select
    judged_day,
    verdict,
    count(*) as verdicts
from ai_usage_analytics.check_results
where judged_day is not null
group by judged_day, verdict
