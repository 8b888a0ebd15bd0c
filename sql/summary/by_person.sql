-- Billed cost of the period by person, largest first, all platforms together.
select
    user_email as label,
    sum(billed_usd) as cost_usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and billed_usd is not null
    and user_email is not null
group by label
order by cost_usd desc
limit 5
