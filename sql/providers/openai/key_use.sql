-- Each key's use by the usage reports, and its share of the bill. A key may have only one of them.
with amounts as (
    select
        activity_date,
        account,
        api_key_id,
        coalesce(input_tokens, 0) + coalesce(output_tokens, 0) as tokens,
        cast(0 as numeric) as usd
    from ai_usage_analytics.openai_usage
    where
        activity_date between @first_day and @last_day
        and api_key_id is not null
    union all
    select
        activity_date,
        account,
        api_key_id,
        0 as tokens,
        amount_usd as usd
    from ai_usage_analytics.openai_cost_shares
    where
        activity_date between @first_day and @last_day
        and api_key_id is not null
)

select
    activity_date,
    account,
    api_key_id,
    cast(sum(tokens) as int64) as tokens,
    sum(usd) as usd
from amounts
group by activity_date, account, api_key_id
