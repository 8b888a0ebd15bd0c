-- Amounts and units by everything that a list price depends on: the input of openai_prices_are_published.
-- Units are those of the cost line, else those of the usage reports; null where neither has them, or where several
-- lines have the same use behind them. Credits have no price.
with used as (
    select
        activity_date,
        account,
        line,
        sum(units) as units,
        max(unit) as unit
    from ai_usage_analytics.openai_line_units
    where activity_date between @first_day and @last_day
    group by activity_date, account, line
),

counted as (
    select
        cost_lines.activity_date,
        cost_lines.account,
        cost_lines.project_id,
        cost_lines.line_item,
        cost_lines.model,
        cost_lines.meter,
        cost_lines.service_tier,
        cost_lines.amount_usd,
        case
            when cost_lines.quantity is not null then cost_lines.quantity
            when cost_lines.is_only then cast(used.units as numeric)
        end as units,
        if(cost_lines.quantity is null, if(cost_lines.is_only, used.unit, null), cost_lines.unit) as unit
    from ai_usage_analytics.openai_cost_lines as cost_lines
    left join used
        on
            cost_lines.activity_date = used.activity_date
            and cost_lines.account = used.account
            and cost_lines.line = used.line
    where
        cost_lines.activity_date between @first_day and @last_day
        and cost_lines.amount_usd > 0
)

select
    activity_date,
    account,
    project_id,
    line_item,
    model,
    meter,
    service_tier,
    unit,
    sum(amount_usd) as amount_usd,
    if(count(units) = count(*), sum(units), null) as units,
    count(*) as line_count
from counted
group by activity_date, account, project_id, line_item, model, meter, service_tier, unit
order by activity_date asc, amount_usd desc, line_item asc
