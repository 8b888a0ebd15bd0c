-- Rows of ai_spend with a provider that is not in @providers, the providers of this release.
select
    spend_date as activity_date,
    provider,
    count(*) as row_count,
    sum(coalesce(billed_usd, estimated_usd)) as usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and provider not in unnest(@providers)
group by spend_date, provider
order by activity_date, provider
