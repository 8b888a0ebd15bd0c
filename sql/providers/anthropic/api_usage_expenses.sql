-- What the programmatic API cost by key and person, with the tokens behind it. Money is measured where analytics
-- report the key, else allocated by tokens. Tokens without money, as of Priority Tier, have an unknown cost.
--
-- grain: one key's use of one model over one endpoint and tier on one UTC day
-- question: What did each Claude API key cost on each day, with its tokens?
-- example: select expense_date, api_key_id, user_email, model, cost_usd, input_tokens, output_tokens from
--   ai_usage_analytics.api_usage_expenses order by cost_usd desc
-- built: daily by expense_date
-- group: claude
-- cluster: api_key_id, user_email
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   api_key_id string: null where the provider names no key
--   user_email string: the key's owner, lower-case; null where no person is known
--   team_name string: as the sheet has it on that day
--   model string: null where none was used
--   endpoint string not null: messages, message_batches or managed_agents
--   service_tier string: standard or batch; priority where the report has no money; null where no token was bought
--   cost_usd numeric: billed, in USD; null where the provider's reports have no price, as for Priority Tier
--   input_tokens integer: uncached; null on a row without tokens
--   output_tokens integer: null on a row without tokens
--   cache_tokens integer: read from cache and written to it; null on a row without tokens
--   allocation_method string not null: measured, proportional, tokens, estimated, requests, none; as in
--     claude_cost_shares
--   attribution_method string not null: how the person was found: actor, key_sheet, key_creator or unattributed
with costs as (
    select
        expense_date,
        account,
        api_key_id,
        user_email,
        team_name,
        model,
        endpoint,
        service_tier,
        allocation_method,
        attribution_method,
        sum(cost_usd) as cost_usd,
        sum(if(token_type = 'uncached_input_tokens', units, 0)) as input_tokens,
        sum(if(token_type = 'output_tokens', units, 0)) as output_tokens,
        sum(if(token_type like 'cache%', units, 0)) as cache_tokens,
        logical_or(token_type is not null) as has_tokens
    from ai_usage_analytics.claude_attributed_costs
    where
        expense_date between @first_day and @last_day
        and platform = 'claude_api'
    group by
        expense_date, account, api_key_id, user_email, team_name, model, endpoint, service_tier, allocation_method,
        attribution_method
),

unpriced as (
    select
        used.activity_date,
        used.account,
        used.api_key_id,
        used.model,
        used.service_tier,
        max(coalesce(people.person_email, owners.user_email)) as user_email,
        max(coalesce(owners.team_name, people.team_name)) as team_name,
        max(case owners.mapped_by when 'sheet' then 'key_sheet' when 'key_creator' then 'key_creator' end) as found_by,
        sum(used.uncached_input_tokens) as input_tokens,
        sum(used.output_tokens) as output_tokens,
        sum(
            used.cache_read_input_tokens + used.cache_creation_5m_tokens + used.cache_creation_1h_tokens
        ) as cache_tokens
    from ai_usage_analytics.claude_usage_tokens as used
    left join ai_usage_analytics.dim_api_key_mapping as owners
        on
            used.api_key_id = owners.api_key_id
            and coalesce(owners.provider, 'anthropic') = 'anthropic'
            and (owners.valid_from is null or used.activity_date >= owners.valid_from)
            and (owners.valid_to is null or used.activity_date < owners.valid_to)
    left join ai_usage_analytics.dim_person as people on owners.user_email = people.user_email
    where
        used.activity_date between @first_day and @last_day
        and used.service_tier like 'priority%'
        and used.api_key_id is not null
    group by used.activity_date, used.account, used.api_key_id, used.model, used.service_tier
)

select
    expense_date,
    account,
    api_key_id,
    user_email,
    team_name,
    model,
    endpoint,
    service_tier,
    cost_usd,
    if(has_tokens, input_tokens, null) as input_tokens,
    if(has_tokens, output_tokens, null) as output_tokens,
    if(has_tokens, cache_tokens, null) as cache_tokens,
    allocation_method,
    attribution_method
from costs
union all
select
    activity_date as expense_date,
    account,
    api_key_id,
    user_email,
    team_name,
    model,
    'messages' as endpoint,
    service_tier,
    cast(null as numeric) as cost_usd,
    input_tokens,
    output_tokens,
    cache_tokens,
    'none' as allocation_method,
    coalesce(found_by, 'unattributed') as attribution_method
from unpriced
