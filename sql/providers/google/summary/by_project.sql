-- Cost of AI by project in the period, after credits, most expensive first; seats have no project.
select
    coalesce(names.sub_account_name, costs.project_id, if(costs.meter = 'seat', 'Code Assist seats', 'no project'))
        as label,
    sum(costs.amount_usd) as cost_usd
from ai_usage_analytics.gemini_attributed_costs as costs
left join ai_usage_analytics.sub_accounts as names
    on
        costs.project_id = names.sub_account
        and names.provider = 'google'
where costs.activity_date between @first_day and @last_day
group by label
order by cost_usd desc, label asc
