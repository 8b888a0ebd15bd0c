-- What was paid for how many units, by everything a list price depends on: material for implied_price_is_a_list_price.
-- Units are tokens of the line's token type, or web searches; null where the usage report has none for that money.
with costs as (
    select
        activity_date,
        workspace_id,
        model,
        token_type,
        cost_type,
        service_tier,
        context_window,
        inference_geo,
        sum(amount_usd) as amount_usd
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    group by
        activity_date, workspace_id, model, token_type, cost_type, service_tier, context_window, inference_geo
),

tokens as (
    select
        activity_date,
        workspace_id,
        model,
        service_tier,
        context_window,
        inference_geo,
        sum(uncached_input_tokens) as uncached_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(cache_read_input_tokens) as cache_read_input_tokens,
        sum(cache_creation_5m_tokens) as cache_creation_5m_tokens,
        sum(cache_creation_1h_tokens) as cache_creation_1h_tokens
    from ai_usage_analytics.claude_usage_tokens
    where activity_date between @first_day and @last_day
    group by activity_date, workspace_id, model, service_tier, context_window, inference_geo
),

searches as (
    select
        activity_date,
        workspace_id,
        sum(web_search_requests) as web_search_requests
    from ai_usage_analytics.claude_usage_tokens
    where activity_date between @first_day and @last_day
    group by activity_date, workspace_id
)

select
    costs.activity_date,
    costs.workspace_id,
    costs.model,
    costs.token_type,
    costs.cost_type,
    costs.service_tier,
    costs.context_window,
    costs.inference_geo,
    costs.amount_usd,
    case
        when costs.token_type = 'uncached_input_tokens' then tokens.uncached_input_tokens
        when costs.token_type = 'output_tokens' then tokens.output_tokens
        when costs.token_type = 'cache_read_input_tokens' then tokens.cache_read_input_tokens
        when costs.token_type = 'cache_creation.ephemeral_5m_input_tokens' then tokens.cache_creation_5m_tokens
        when costs.token_type = 'cache_creation.ephemeral_1h_input_tokens' then tokens.cache_creation_1h_tokens
        when costs.cost_type = 'web_search' then searches.web_search_requests
    end as units
from costs
left join tokens
    on
        costs.activity_date = tokens.activity_date
        and coalesce(costs.workspace_id, '') = coalesce(tokens.workspace_id, '')
        and coalesce(costs.model, '') = coalesce(tokens.model, '')
        and coalesce(costs.service_tier, '') = coalesce(tokens.service_tier, '')
        and coalesce(costs.context_window, '') = coalesce(tokens.context_window, '')
        and coalesce(costs.inference_geo, '') = coalesce(tokens.inference_geo, '')
left join searches
    on
        costs.activity_date = searches.activity_date
        and coalesce(costs.workspace_id, '') = coalesce(searches.workspace_id, '')
order by costs.activity_date asc, costs.amount_usd desc
