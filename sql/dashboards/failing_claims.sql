-- The last result of each check and day; a check without days counts on the day on which it was judged.
select
    asset,
    claim,
    coalesce(judged_day, date(judged_at)) as judged_day,
    verdict,
    if(verdict = 'failed', 1, 0) as failed,
    if(verdict = 'warned', 1, 0) as warned,
    if(verdict = 'not judged', 1, 0) as not_judged
from ai_usage_analytics.check_results
