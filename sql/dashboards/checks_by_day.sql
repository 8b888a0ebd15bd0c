-- The verdicts on each day's claims.
select
    judged_day,
    verdict,
    count(*) as verdicts
from ai_usage_analytics.check_results
where judged_day is not null
group by judged_day, verdict
