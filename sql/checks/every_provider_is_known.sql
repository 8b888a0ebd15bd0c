-- Rows of ai_spend whose provider is none of dim_provider, which has those that this release knows.
select
    spend.spend_date as activity_date,
    spend.provider,
    count(*) as row_count,
    sum(coalesce(spend.billed_usd, spend.estimated_usd)) as usd
from ai_usage_analytics.ai_spend as spend
left join ai_usage_analytics.dim_provider as known on spend.provider = known.provider
where
    spend.spend_date between @first_day and @last_day
    and known.provider is null
group by spend.spend_date, spend.provider
order by spend.spend_date, spend.provider
