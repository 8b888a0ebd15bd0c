-- What each API key used and cost on each day, and whether it has an owner.
with used as (
    select
        activity_date,
        api_key_id,
        sum(
            uncached_input_tokens + output_tokens + cache_read_input_tokens + cache_creation_5m_tokens
            + cache_creation_1h_tokens
        ) as tokens
    from ai_usage_analytics.claude_usage_tokens
    where
        activity_date between @first_day and @last_day
        and api_key_id is not null
    group by activity_date, api_key_id
),

costs as (
    select
        expense_date,
        api_key_id,
        sum(cost_usd) as usd
    from ai_usage_analytics.claude_cost_shares
    where
        expense_date between @first_day and @last_day
        and api_key_id is not null
    group by expense_date, api_key_id
)

select
    used.activity_date,
    used.api_key_id,
    keys.api_key_name,
    used.tokens,
    coalesce(keys.mapped_by, 'none') as mapped_by,
    coalesce(costs.usd, 0) as usd
from used
left join costs on used.activity_date = costs.expense_date and used.api_key_id = costs.api_key_id
left join ai_usage_analytics.dim_api_key_mapping as keys
    on
        used.api_key_id = keys.api_key_id
        and (keys.valid_from is null or used.activity_date >= keys.valid_from)
        and (keys.valid_to is null or used.activity_date < keys.valid_to)
where used.tokens > 0
order by used.activity_date asc, usd desc
