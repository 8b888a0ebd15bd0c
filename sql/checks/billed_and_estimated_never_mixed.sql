-- Rows of ai_spend that mix billed and estimated cost: a row with both amounts, an estimate with a billed meter or the
-- reverse, and a row with neither amount that is not a seat of unknown price. @estimated_meters are the meters for
-- which a provider only estimates the cost.
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
        or (billed_usd is not null and meter in unnest(@estimated_meters))
        or (estimated_usd is not null and meter not in unnest(@estimated_meters))
    )
group by spend_date, provider, meter, trouble
order by activity_date, trouble, meter
