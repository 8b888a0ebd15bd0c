-- What Claude charged on each UTC day, on all platforms together. One row a day and organisation; none on an idle day.
-- A day is final once the vendor has been asked again 30 days later: until then it may revise the amount.
with costs as (
    select
        activity_date,
        organization_id,
        currency,
        sum(amount_usd) as cost_usd
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    group by activity_date, organization_id, currency
),

looks as (
    select
        activity_date,
        max(date(pulled_at)) as last_looked_at
    from ai_usage_raw.pulls
    where
        pull = 'claude_cost_report'
        and activity_date between @first_day and @last_day
    group by activity_date
)

select
    costs.activity_date as expense_date,
    costs.organization_id,
    costs.cost_usd,
    costs.currency,
    if(date_diff(looks.last_looked_at, costs.activity_date, day) >= 30, 'final', 'provisional') as status
from costs
inner join looks on costs.activity_date = looks.activity_date
