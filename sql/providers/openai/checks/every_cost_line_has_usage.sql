-- Cost lines without usage: no usage report has units of their meter in their project, key, model and tier. They cannot
-- be allocated or checked. A credit needs no usage.
with line_units as (
    select *
    from ai_usage_analytics.openai_line_units
    where activity_date between @first_day and @last_day
)

select
    cost_lines.activity_date,
    cost_lines.account,
    coalesce(cost_lines.line_item, 'no line item') as line_item,
    cost_lines.project_id,
    cost_lines.model,
    cost_lines.meter,
    count(*) as line_count,
    sum(cost_lines.amount_usd) as amount_usd
from ai_usage_analytics.openai_cost_lines as cost_lines
left join line_units
    on
        cost_lines.activity_date = line_units.activity_date
        and cost_lines.account = line_units.account
        and cost_lines.line = line_units.line
where
    cost_lines.activity_date between @first_day and @last_day
    and cost_lines.amount_usd > 0
    and line_units.line is null
group by
    cost_lines.activity_date, cost_lines.account, cost_lines.line_item, cost_lines.project_id, cost_lines.model,
    cost_lines.meter
order by cost_lines.activity_date asc, amount_usd desc, line_item asc
