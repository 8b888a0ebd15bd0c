-- Amounts and units by everything that a list price depends on: the input of unit_price_is_a_list_price.
-- Units are tokens of the line's token type, or web searches; null where the usage report has none for that money.
-- Lines that differ only in geography or speed are separate rows if claude_usage_by_line has the tokens of each.
-- Otherwise they are one row with all their tokens, without geography and speed. Amounts in another currency have no
-- list price here.
with costs as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        cost_type,
        service_tier,
        context_window,
        inference_geo,
        speed,
        sum(amount_usd) as amount_usd
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    group by
        activity_date, account, workspace_id, model, token_type, cost_type, service_tier, context_window, inference_geo,
        speed
    having countif(billed_amount is not null) = 0
),

by_line as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        service_tier,
        context_window,
        inference_geo,
        speed,
        sum(tokens) as tokens
    from ai_usage_analytics.claude_usage_by_line
    where activity_date between @first_day and @last_day
    group by activity_date, account, workspace_id, model, token_type, service_tier, context_window, inference_geo, speed
),

beside as (
    select
        costs.*,
        by_line.tokens,
        count(*) over cell > 1 and count(by_line.tokens) over cell = count(*) over cell as is_apart
    from costs
    left join by_line
        on
            costs.activity_date = by_line.activity_date
            and costs.token_type = by_line.token_type
            and costs.account = by_line.account
            and coalesce(costs.workspace_id, '') = coalesce(by_line.workspace_id, '')
            and coalesce(costs.model, '') = coalesce(by_line.model, '')
            and coalesce(costs.service_tier, '') = coalesce(by_line.service_tier, '')
            and coalesce(costs.context_window, '') = coalesce(by_line.context_window, '')
            and coalesce(costs.inference_geo, '')
            = coalesce(by_line.inference_geo, costs.inference_geo, '')
            and coalesce(costs.speed, '') = coalesce(by_line.speed, costs.speed, '')
    window cell as (
        partition by
            costs.activity_date, costs.account, costs.workspace_id, costs.model, costs.token_type, costs.cost_type,
            costs.service_tier, costs.context_window
    )
),

lines as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        token_type,
        cost_type,
        service_tier,
        context_window,
        is_apart,
        if(min(coalesce(inference_geo, '')) = max(coalesce(inference_geo, '')), max(inference_geo), null)
            as inference_geo,
        if(min(coalesce(speed, '')) = max(coalesce(speed, '')), max(speed), null) as speed,
        sum(amount_usd) as amount_usd,
        sum(tokens) as tokens
    from beside
    group by
        activity_date, account, workspace_id, model, token_type, cost_type, service_tier, context_window, is_apart,
        if(is_apart, inference_geo, null), if(is_apart, speed, null)
),

tokens as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        service_tier,
        context_window,
        sum(uncached_input_tokens) as uncached_input_tokens,
        sum(output_tokens) as output_tokens,
        sum(cache_read_input_tokens) as cache_read_input_tokens,
        sum(cache_creation_5m_tokens) as cache_creation_5m_tokens,
        sum(cache_creation_1h_tokens) as cache_creation_1h_tokens
    from ai_usage_analytics.claude_usage_tokens
    where activity_date between @first_day and @last_day
    group by activity_date, account, workspace_id, model, service_tier, context_window
),

searches as (
    select
        activity_date,
        account,
        workspace_id,
        sum(web_search_requests) as web_search_requests
    from ai_usage_analytics.claude_usage_tokens
    where activity_date between @first_day and @last_day
    group by activity_date, account, workspace_id
)

select
    lines.activity_date,
    lines.account,
    lines.workspace_id,
    lines.model,
    lines.token_type,
    lines.cost_type,
    lines.service_tier,
    lines.context_window,
    lines.inference_geo,
    lines.speed,
    lines.amount_usd,
    case
        when lines.is_apart then lines.tokens
        when lines.token_type = 'uncached_input_tokens' then tokens.uncached_input_tokens
        when lines.token_type = 'output_tokens' then tokens.output_tokens
        when lines.token_type = 'cache_read_input_tokens' then tokens.cache_read_input_tokens
        when lines.token_type = 'cache_creation.ephemeral_5m_input_tokens' then tokens.cache_creation_5m_tokens
        when lines.token_type = 'cache_creation.ephemeral_1h_input_tokens' then tokens.cache_creation_1h_tokens
        when lines.cost_type = 'web_search' then searches.web_search_requests
    end as units
from lines
left join tokens
    on
        lines.activity_date = tokens.activity_date
        and lines.account = tokens.account
        and coalesce(lines.workspace_id, '') = coalesce(tokens.workspace_id, '')
        and coalesce(lines.model, '') = coalesce(tokens.model, '')
        and coalesce(lines.service_tier, '') = coalesce(tokens.service_tier, '')
        and coalesce(lines.context_window, '') = coalesce(tokens.context_window, '')
left join searches
    on
        lines.activity_date = searches.activity_date
        and lines.account = searches.account
        and coalesce(lines.workspace_id, '') = coalesce(searches.workspace_id, '')
order by lines.activity_date asc, lines.amount_usd desc
