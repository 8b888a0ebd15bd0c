-- Tokens of a day, workspace, model, tier, context window and token type without any billed cost, in any geography or
-- speed, which the usage report lacks. Priority Tier explains them: its spend is not in the cost report. All others are
-- listed; refused requests are known to appear as tokens without cost.
with used as (
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
    where
        activity_date between @first_day and @last_day
        and coalesce(service_tier, '') not like 'priority%'
    group by activity_date, account, workspace_id, model, service_tier, context_window
),

token_types as (
    select token_type
    from unnest([
        'uncached_input_tokens',
        'output_tokens',
        'cache_read_input_tokens',
        'cache_creation.ephemeral_5m_input_tokens',
        'cache_creation.ephemeral_1h_input_tokens'
    ]) as token_type
),

units as (
    select
        used.activity_date,
        used.account,
        used.workspace_id,
        used.model,
        used.service_tier,
        used.context_window,
        token_types.token_type,
        case
            when token_types.token_type = 'uncached_input_tokens' then used.uncached_input_tokens
            when token_types.token_type = 'output_tokens' then used.output_tokens
            when token_types.token_type = 'cache_read_input_tokens' then used.cache_read_input_tokens
            when
                token_types.token_type = 'cache_creation.ephemeral_5m_input_tokens'
                then used.cache_creation_5m_tokens
            else used.cache_creation_1h_tokens
        end as tokens
    from used
    cross join token_types
),

billed as (
    select distinct
        activity_date,
        account,
        workspace_id,
        model,
        service_tier,
        context_window,
        token_type
    from ai_usage_analytics.claude_costs
    where
        activity_date between @first_day and @last_day
        and token_type is not null
)

select
    units.activity_date,
    units.account,
    units.workspace_id,
    units.model,
    units.service_tier,
    units.context_window,
    units.token_type,
    units.tokens,
    sum(if(billed.activity_date is null, 0, 1)) over (partition by units.activity_date) = 0 as is_whole_day_unbilled
from units
left join billed
    on
        units.activity_date = billed.activity_date
        and units.token_type = billed.token_type
        and units.account = billed.account
        and coalesce(units.workspace_id, '') = coalesce(billed.workspace_id, '')
        and coalesce(units.model, '') = coalesce(billed.model, '')
        and coalesce(units.service_tier, '') = coalesce(billed.service_tier, '')
        and coalesce(units.context_window, '') = coalesce(billed.context_window, '')
where units.tokens > 0
qualify billed.activity_date is null
order by units.activity_date asc, units.tokens desc
