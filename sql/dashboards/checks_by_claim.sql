-- The results of each check over all days, with the newest reason why it failed or warned; where it did neither, why it
-- was not judged.
with ranked as (
    select
        asset,
        claim,
        judged_day,
        verdict,
        why,
        judged_at,
        row_number() over (
            partition by asset, claim, case verdict when 'passed' then 2 when 'not judged' then 1 else 0 end
            order by judged_day desc, judged_at desc
        ) as age
    from ai_usage_analytics.check_results
),

reasons as (
    select
        asset,
        claim,
        coalesce(max(if(verdict = 'not judged', null, why)), max(why)) as why
    from ranked
    where
        verdict != 'passed'
        and age = 1
    group by asset, claim
)

select
    results.claim,
    results.asset,
    coalesce(reasons.why, '') as why,
    countif(results.verdict = 'failed') as failed,
    countif(results.verdict = 'warned') as warned,
    countif(results.verdict = 'passed') as passed,
    countif(results.verdict = 'not judged') as not_judged,
    max(results.judged_at) as judged_at
from ai_usage_analytics.check_results as results
left join reasons
    on
        results.asset = reasons.asset
        and results.claim = reasons.claim
group by results.claim, results.asset, reasons.why
