-- Rows of ai_spend in which billed and estimated money meet: a row with both amounts, an estimate under a meter of
-- billed things or the reverse, and a row with neither that is no seat of unknown price. @estimated_meters are those
-- of which a provider only estimates the worth.
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
