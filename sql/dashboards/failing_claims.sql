-- What was last found of each claim.
select
    asset,
    claim,
    judged_day,
    verdict,
    if(verdict = 'failed', 1, 0) as failed,
    if(verdict = 'warned', 1, 0) as warned
from ai_usage_analytics.check_results
