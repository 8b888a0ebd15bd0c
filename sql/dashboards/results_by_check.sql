-- The results of each check by month, with the newest reason why it failed or warned, else why it was not
-- evaluated.
with ranked as (
    select
        asset,
        check_name,
        checked_date,
        result,
        reason,
        evaluated_at,
        row_number() over (
            partition by asset, check_name, case result when 'passed' then 2 when 'not evaluated' then 1 else 0 end
            order by checked_date desc, evaluated_at desc
        ) as age
    from ai_usage_analytics.check_results
),

reasons as (
    select
        asset,
        check_name,
        coalesce(max(if(result = 'not evaluated', null, reason)), max(reason)) as reason
    from ranked
    where
        result != 'passed'
        and age = 1
    group by asset, check_name
)

select
    format_date('%Y-%m', coalesce(results.checked_date, date(results.evaluated_at))) as month,
    results.check_name,
    results.asset,
    coalesce(reasons.reason, '') as reason,
    countif(results.result = 'failed') as failed,
    countif(results.result = 'warned') as warned,
    countif(results.result = 'passed') as passed,
    countif(results.result = 'not evaluated') as not_evaluated,
    max(results.evaluated_at) as evaluated_at
from ai_usage_analytics.check_results as results
left join reasons
    on
        results.asset = reasons.asset
        and results.check_name = reasons.check_name
group by month, results.check_name, results.asset, reasons.reason
