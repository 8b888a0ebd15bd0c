-- The usage report with a row for each kind of unit, as cost lines name it, Priority Tier included.
--
-- grain: one kind of unit of one row of claude_usage_tokens
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   api_key_id string: null is Console and Workbench use
--   workspace_id string: null is the default workspace
--   model string: the model's id
--   service_tier string: as the report has it; null where it has none
--   context_window string: as the report has it; null where it has none
--   kind string not null: a token type of the cost report, or web_search
--   is_priority boolean not null: of Priority Tier, which the cost report leaves out
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
    used.activity_date,
    used.account,
    used.api_key_id,
    used.workspace_id,
    used.model,
    used.service_tier,
    used.context_window,
    kinds.kind,
    coalesce(used.service_tier, '') like 'priority%' as is_priority,
    case kinds.kind
        when 'uncached_input_tokens' then used.uncached_input_tokens
        when 'output_tokens' then used.output_tokens
        when 'cache_read_input_tokens' then used.cache_read_input_tokens
        when 'cache_creation.ephemeral_5m_input_tokens' then used.cache_creation_5m_tokens
        when 'cache_creation.ephemeral_1h_input_tokens' then used.cache_creation_1h_tokens
        else used.web_search_requests
    end as units
from ai_usage_analytics.claude_usage_tokens as used
cross join kinds
