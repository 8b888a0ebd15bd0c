-- The verdicts on each claim: over all days, and why the last one of them is not green.
with ranked as (
    select
        asset,
        claim,
        judged_day,
        verdict,
        why,
        judged_at,
        row_number() over (
            partition by asset, claim, if(verdict = 'passed', 1, 0) order by judged_day desc, judged_at desc
        ) as age
    from ai_usage_analytics.check_results
),

reasons as (
    select
        asset,
        claim,
        why
    from ranked
    where
        verdict != 'passed'
        and age = 1
)

select
    results.claim,
    results.asset,
    coalesce(reasons.why, '') as why,
    countif(results.verdict = 'failed') as failed,
    countif(results.verdict = 'warned') as warned,
    countif(results.verdict = 'passed') as passed,
    max(results.judged_at) as judged_at
from ai_usage_analytics.check_results as results
left join reasons
    on
        results.asset = reasons.asset
        and results.claim = reasons.claim
group by results.claim, results.asset, reasons.why
