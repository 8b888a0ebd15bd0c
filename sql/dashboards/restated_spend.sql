-- The amounts of providers' restatements, by the billed day.
select
    activity_date,
    provider,
    count(*) as revisions,
    sum(change_usd) as change_usd,
    sum(abs(change_usd)) as moved_usd
from ai_usage_analytics.spend_revisions
group by activity_date, provider
