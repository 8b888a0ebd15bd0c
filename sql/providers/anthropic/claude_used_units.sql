-- Usage as the allocation of cost lines reads it: a row for each kind of token, and for web searches. Priority Tier,
-- which the cost report leaves out, is left out here.
--
-- grain: one kind of unit of one row of claude_usage_tokens
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   api_key_id string: null is Console and Workbench use
--   kind string not null: a token type of the cost report, or web_search
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string not null: empty for web searches, as are the next two: their lines have none
--   service_tier string not null: standard, where the report has no tier
--   context_window string not null: 0-200k or 200k-1M; empty where the report has none
--   units integer: tokens, or searches
with kinds as (
    select kind
    from unnest([
        'uncached_input_tokens',
        'output_tokens',
        'cache_read_input_tokens',
        'cache_creation.ephemeral_5m_input_tokens',
        'cache_creation.ephemeral_1h_input_tokens',
        'web_search'
    ]) as kind
)

select
    tokens.activity_date,
    tokens.account,
    tokens.api_key_id,
    kinds.kind,
    coalesce(tokens.workspace_id, defaults.workspace_id, 'default') as workspace_id,
    if(kinds.kind = 'web_search', '', coalesce(tokens.model, '')) as model,
    if(kinds.kind = 'web_search', '', coalesce(tokens.service_tier, 'standard')) as service_tier,
    if(kinds.kind = 'web_search', '', coalesce(tokens.context_window, '')) as context_window,
    case kinds.kind
        when 'uncached_input_tokens' then tokens.uncached_input_tokens
        when 'output_tokens' then tokens.output_tokens
        when 'cache_read_input_tokens' then tokens.cache_read_input_tokens
        when 'cache_creation.ephemeral_5m_input_tokens' then tokens.cache_creation_5m_tokens
        when 'cache_creation.ephemeral_1h_input_tokens' then tokens.cache_creation_1h_tokens
        else tokens.web_search_requests
    end as units
from ai_usage_analytics.claude_usage_tokens as tokens
cross join kinds
left join ai_usage_analytics.claude_default_workspaces as defaults on tokens.account = defaults.account
where coalesce(tokens.service_tier, '') not like 'priority%'
