-- Cost lines with an allocation that does not add up to them, even by the ninth decimal: lines, their shares, and the
-- shares after persons were found. A line that names its key is compared key by key.
with amounts as (
    select
        activity_date,
        account,
        line_item,
        meter,
        api_key_id,
        if(api_key_id is null, null, project_id) as project_id,
        amount_usd as costs_usd,
        cast(0 as numeric) as shares_usd,
        cast(0 as numeric) as attributed_usd
    from ai_usage_analytics.openai_costs
    where
        activity_date between @first_day and @last_day
        and amount_usd is not null
    union all
    select
        activity_date,
        account,
        line_item,
        meter,
        if(allocation_method = 'measured', api_key_id, null) as api_key_id,
        if(allocation_method = 'measured', project_id, null) as project_id,
        cast(0 as numeric) as costs_usd,
        amount_usd as shares_usd,
        cast(0 as numeric) as attributed_usd
    from ai_usage_analytics.openai_cost_shares
    where activity_date between @first_day and @last_day
    union all
    select
        activity_date,
        account,
        line_item,
        meter,
        if(allocation_method = 'measured', api_key_id, null) as api_key_id,
        if(allocation_method = 'measured', project_id, null) as project_id,
        cast(0 as numeric) as costs_usd,
        cast(0 as numeric) as shares_usd,
        amount_usd as attributed_usd
    from ai_usage_analytics.openai_attributed_costs
    where activity_date between @first_day and @last_day
),

sums as (
    select
        activity_date,
        account,
        line_item,
        meter,
        project_id,
        api_key_id,
        sum(costs_usd) as costs_usd,
        sum(shares_usd) as shares_usd,
        sum(attributed_usd) as attributed_usd
    from amounts
    group by activity_date, account, line_item, meter, project_id, api_key_id
)

select
    activity_date,
    account,
    line_item,
    meter,
    project_id,
    api_key_id,
    costs_usd,
    shares_usd,
    attributed_usd
from sums
where costs_usd != shares_usd or costs_usd != attributed_usd
order by activity_date asc, abs(costs_usd - attributed_usd) desc, line_item asc
