-- All that was billed in the period, by platform and charge type, largest first. Estimated cost is not included.
select
    concat(
        coalesce(platforms.platform_name, spend.platform), if(spend.charge_type = 'subscription', ' seats', '')
    ) as label,
    sum(spend.billed_usd) as cost_usd
from ai_usage_analytics.ai_spend as spend
left join ai_usage_analytics.dim_platform as platforms
    on spend.provider = platforms.provider and spend.platform = platforms.platform
where
    spend.spend_date between @first_day and @last_day
    and spend.billed_usd is not null
group by label
order by cost_usd desc
