-- Days on which Claude Code's estimate for API customers exceeds the billed cost of all tokens together. It is the
-- same traffic, so it can only be a part; 5 % is left for the estimate's own error.
with estimated as (
    select
        activity_date,
        account,
        sum(estimated_cost_usd) as estimated_usd
    from ai_usage_analytics.claude_code_usage_stats
    where
        activity_date between @first_day and @last_day
        and customer_type = 'api'
    group by activity_date, account
),

billed as (
    select
        activity_date,
        account,
        sum(amount_usd) as billed_usd
    from ai_usage_analytics.claude_costs
    where
        activity_date between @first_day and @last_day
        and token_type is not null
    group by activity_date, account
)

select
    estimated.activity_date,
    estimated.account,
    estimated.estimated_usd,
    coalesce(billed.billed_usd, 0) as billed_usd
from estimated
left join billed on estimated.activity_date = billed.activity_date and estimated.account = billed.account
where
    estimated.estimated_usd
    > cast(coalesce(billed.billed_usd, 0) * cast('1.05' as numeric) as numeric) + cast('0.01' as numeric)
order by estimated.activity_date, estimated.account
