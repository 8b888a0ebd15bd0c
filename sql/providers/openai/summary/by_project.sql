-- Cost by project in the period, most expensive first; shown by its id where it has no name.
with names as (
    select
        account,
        project_id,
        min(project_name) as project_name
    from ai_usage_analytics.openai_projects
    group by account, project_id
)

select
    coalesce(names.project_name, costs.project_id, 'no project') as label,
    sum(costs.amount_usd) as cost_usd
from ai_usage_analytics.openai_attributed_costs as costs
left join names on costs.account = names.account and costs.project_id = names.project_id
where costs.activity_date between @first_day and @last_day
group by label
order by cost_usd desc, label asc
