-- Billed cost of each workspace in the period, largest first. Null is the default workspace.
select
    coalesce(workspace_name, workspace_id) as label,
    sum(amount_usd) as cost_usd
from ai_usage_analytics.claude_costs
where activity_date between @first_day and @last_day
group by label
order by cost_usd desc
