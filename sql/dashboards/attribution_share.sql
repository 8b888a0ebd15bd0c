-- Attribution coverage: billed cost and the attributed part of it, by month.
select
    month,
    provider,
    sum(if(attribution_method = 'unattributed', cast(0 as numeric), billed_usd)) as attributed_usd,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_person
where billed_usd is not null
group by month, provider
