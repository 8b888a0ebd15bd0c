-- Each key's use by the usage report, and its share of the bill.
with used as (
    select
        activity_date,
        account,
        api_key_id,
        sum(
            uncached_input_tokens + output_tokens + cache_read_input_tokens + cache_creation_5m_tokens
            + cache_creation_1h_tokens
        ) as tokens
    from ai_usage_analytics.claude_usage_tokens
    where
        activity_date between @first_day and @last_day
        and api_key_id is not null
    group by activity_date, account, api_key_id
),

costs as (
    select
        expense_date,
        account,
        api_key_id,
        sum(cost_usd) as usd
    from ai_usage_analytics.claude_cost_shares
    where
        expense_date between @first_day and @last_day
        and api_key_id is not null
    group by expense_date, account, api_key_id
)

select
    used.activity_date,
    used.account,
    used.api_key_id,
    cast(used.tokens as int64) as tokens,
    coalesce(costs.usd, 0) as usd
from used
left join costs
    on
        used.activity_date = costs.expense_date
        and used.account = costs.account
        and used.api_key_id = costs.api_key_id
where used.tokens > 0
