-- All that was billed in the period, how much of it is attributed, and how much is provisional.
select
    sum(billed_usd) as billed_usd,
    sum(if(attribution_method = 'unattributed', null, billed_usd)) as attributed_usd,
    sum(if(status = 'provisional', billed_usd, null)) as provisional_usd,
    sum(estimated_usd) as estimated_usd,
    count(distinct user_email) as people
from ai_usage_analytics.ai_spend
where spend_date between @first_day and @last_day
