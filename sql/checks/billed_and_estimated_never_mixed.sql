-- Rows of ai_spend in which billed and estimated money meet: a row with both amounts, an estimate under a meter of
-- billed things or the reverse, a row with neither that is no seat of unknown price, and API customers' Claude Code
-- estimates, which are a part of the bill already: only subscribers' may stand here, and all of them.
with subscribers as (
    select
        activity_date,
        sum(estimated_cost_usd) as estimated_usd
    from ai_usage_analytics.claude_code_model_usage
    where
        activity_date between @first_day and @last_day
        and customer_type != 'api'
    group by activity_date
),

spent as (
    select
        spend_date,
        sum(estimated_usd) as estimated_usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and meter = 'claude_code_estimate'
    group by spend_date
)

select
    spend_date as activity_date,
    provider,
    meter,
    case
        when billed_usd is not null and estimated_usd is not null then 'both amounts'
        when billed_usd is null and estimated_usd is null then 'neither amount'
        else 'the wrong amount for its meter'
    end as trouble,
    count(*) as row_count,
    sum(billed_usd) as billed_usd,
    sum(estimated_usd) as estimated_usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and (
        (billed_usd is not null and estimated_usd is not null)
        or (billed_usd is null and estimated_usd is null and meter != 'seat')
        or (billed_usd is not null and meter in ('claude_code_estimate', 'request_formula'))
        or (estimated_usd is not null and meter not in ('claude_code_estimate', 'request_formula'))
    )
group by spend_date, provider, meter, trouble
union all
select
    coalesce(subscribers.activity_date, spent.spend_date) as activity_date,
    'anthropic' as provider,
    'claude_code_estimate' as meter,
    'not what subscribers used' as trouble,
    cast(null as int64) as row_count,
    coalesce(subscribers.estimated_usd, 0) as billed_usd,
    coalesce(spent.estimated_usd, 0) as estimated_usd
from subscribers
full outer join spent on subscribers.activity_date = spent.spend_date
where coalesce(subscribers.estimated_usd, 0) != coalesce(spent.estimated_usd, 0)
order by activity_date, trouble, meter
