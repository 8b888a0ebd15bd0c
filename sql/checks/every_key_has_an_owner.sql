-- What each API key used and cost on each day, and whether anybody answers for it: material for the claim. A key's cost
-- is its share of each cost line by tokens of the line's own type; a share needs no cents, so these are floats.
with usage as (
    select
        activity_date,
        api_key_id,
        coalesce(workspace_id, '') as workspace_id,
        model,
        coalesce(service_tier, '') as service_tier,
        coalesce(context_window, '') as context_window,
        coalesce(inference_geo, '') as inference_geo,
        uncached_input_tokens,
        output_tokens,
        cache_read_input_tokens,
        cache_creation_5m_tokens,
        cache_creation_1h_tokens
    from ai_usage_analytics.claude_usage_tokens
    where activity_date between @first_day and @last_day
),

units as (
    select
        usage.*,
        'uncached_input_tokens' as token_type,
        usage.uncached_input_tokens as tokens
    from usage
    union all
    select
        usage.*,
        'output_tokens' as token_type,
        usage.output_tokens as tokens
    from usage
    union all
    select
        usage.*,
        'cache_read_input_tokens' as token_type,
        usage.cache_read_input_tokens as tokens
    from usage
    union all
    select
        usage.*,
        'cache_creation.ephemeral_5m_input_tokens' as token_type,
        usage.cache_creation_5m_tokens as tokens
    from usage
    union all
    select
        usage.*,
        'cache_creation.ephemeral_1h_input_tokens' as token_type,
        usage.cache_creation_1h_tokens as tokens
    from usage
),

priced as (
    select
        activity_date,
        model,
        token_type,
        cast(sum(amount_usd) as float64) as usd,
        coalesce(workspace_id, '') as workspace_id,
        coalesce(service_tier, '') as service_tier,
        coalesce(context_window, '') as context_window,
        coalesce(inference_geo, '') as inference_geo
    from ai_usage_analytics.claude_costs
    where
        activity_date between @first_day and @last_day
        and token_type is not null
    group by activity_date, workspace_id, model, service_tier, context_window, inference_geo, token_type
),

whole as (
    select
        activity_date,
        workspace_id,
        model,
        service_tier,
        context_window,
        inference_geo,
        token_type,
        cast(sum(tokens) as float64) as tokens
    from units
    group by activity_date, workspace_id, model, service_tier, context_window, inference_geo, token_type
),

of_key as (
    select
        units.activity_date,
        units.api_key_id,
        sum(units.tokens) as tokens,
        sum(if(whole.tokens > 0, priced.usd * units.tokens / whole.tokens, 0)) as usd
    from units
    inner join whole
        on
            units.activity_date = whole.activity_date
            and units.workspace_id = whole.workspace_id
            and units.model = whole.model
            and units.service_tier = whole.service_tier
            and units.context_window = whole.context_window
            and units.inference_geo = whole.inference_geo
            and units.token_type = whole.token_type
    left join priced
        on
            units.activity_date = priced.activity_date
            and units.workspace_id = priced.workspace_id
            and units.model = priced.model
            and units.service_tier = priced.service_tier
            and units.context_window = priced.context_window
            and units.inference_geo = priced.inference_geo
            and units.token_type = priced.token_type
    where units.api_key_id is not null
    group by units.activity_date, units.api_key_id
)

select
    of_key.activity_date,
    of_key.api_key_id,
    keys.api_key_name,
    of_key.tokens,
    coalesce(keys.mapped_by, 'none') as mapped_by,
    coalesce(of_key.usd, 0) as usd
from of_key
left join ai_usage_analytics.dim_api_key_mapping as keys
    on
        of_key.api_key_id = keys.api_key_id
        and (keys.valid_from is null or of_key.activity_date >= keys.valid_from)
        and (keys.valid_to is null or of_key.activity_date < keys.valid_to)
where of_key.tokens > 0
order by of_key.activity_date asc, usd desc
