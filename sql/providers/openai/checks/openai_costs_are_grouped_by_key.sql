-- Days of accounts with costs that do not name their keys because the provider refused that grouping: how they are
-- grouped, and their amount.
select
    activity_date,
    account,
    grouped_by,
    count(*) as line_count,
    sum(amount_usd) as amount_usd
from ai_usage_analytics.openai_costs
where
    activity_date between @first_day and @last_day
    and grouped_by not like '%api_key_id%'
group by activity_date, account, grouped_by
order by activity_date, account, grouped_by
