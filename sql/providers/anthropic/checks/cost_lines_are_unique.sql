-- Cost lines that occur twice on a day of an account with every dimension equal: a page or a line counted twice, or
-- ungrouped rows stored beside grouped ones (they have neither description nor cost type).
select
    activity_date,
    account,
    workspace_id,
    description,
    model,
    token_type,
    cost_type,
    service_tier,
    context_window,
    inference_geo,
    count(*) as times,
    sum(amount_usd) as amount_usd
from ai_usage_analytics.claude_costs
where activity_date between @first_day and @last_day
group by
    activity_date, account, workspace_id, description, model, token_type, cost_type, service_tier, context_window,
    inference_geo
having count(*) > 1 or (description is null and cost_type is null)
order by activity_date asc, amount_usd desc
