-- Days of an account on which the grouped cost lines differ from the total without grouping, even by the ninth decimal:
-- one of the two lacks a page, or has one twice. A day without lines is 0.
with lines as (
    select
        account,
        activity_date,
        coalesce(sum(amount_usd), 0) as lines_usd,
        count(*) as line_count
    from ai_usage_analytics.openai_costs
    where activity_date between @first_day and @last_day
    group by account, activity_date
),

totals as (
    select
        account,
        activity_date,
        sum(amount_usd) as total_usd
    from ai_usage_analytics.openai_daily_cost
    where activity_date between @first_day and @last_day
    group by account, activity_date
)

select
    coalesce(totals.activity_date, lines.activity_date) as activity_date,
    coalesce(totals.account, lines.account) as account,
    coalesce(lines.lines_usd, 0) as lines_usd,
    coalesce(lines.line_count, 0) as line_count,
    totals.total_usd,
    coalesce(lines.lines_usd, 0) - totals.total_usd as difference_usd
from totals
full outer join lines
    on
        totals.activity_date = lines.activity_date
        and totals.account = lines.account
where
    totals.total_usd is null
    or coalesce(lines.lines_usd, 0) != totals.total_usd
order by activity_date, account
