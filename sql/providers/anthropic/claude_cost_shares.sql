-- Who used each priced thing: every cost line allocated to its payers, and nothing lost. These are the shares of
-- claude_allocated_shares, or of claude_tier_shares where a thing spans several service tiers, with the names of
-- things. Where analytics/cost measures what keys and actors cost, its rows are the shares: as they are if they add up
-- to what was charged, else as proportions of it. Otherwise a line is allocated by tokens of its own type (web searches
-- by searches) within day, workspace, model, tier and context window, and geography and speed where
-- claude_usage_by_line has them. A cost that no source attributes stays whole, without a payer.
--
-- grain: one person's or key's share of one priced thing on one UTC day
-- question: Which share of a Claude cost line belongs to which key or person, and how was it found?
-- example: select expense_date, api_key_id, actor_email, allocation_method, sum(cost_usd) as cost_usd from
--   ai_usage_analytics.claude_cost_shares group by expense_date, api_key_id, actor_email, allocation_method order by
--   cost_usd desc
-- built: daily by expense_date
-- group: claude
-- blocked by: anthropic
-- cluster: workspace_id, api_key_id
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought, and where a measured cost spans several
--     tiers of which one has a credit
--   product string: as analytics has it; null where the share is not measured
--   api_key_id string: null without a key: Console, Workbench, a person who signed in, or unknown
--   actor_type string: as analytics has it; null where the share is not measured
--   actor_email string: the user that analytics names, lower-case
--   allocation_method string not null: measured, proportional (analytics, scaled to what was charged), tokens (at one
--     price), estimated (by tokens, at several prices: the reports do not show which key paid which), requests (web
--     searches), or none (no source attributes it)
--   cost_usd numeric not null: the share, in USD
--   list_usd numeric: the same at list price, where it is measured
--   units integer: tokens of the type, or searches; null where nothing counts them
with shares as (
    select
        activity_date,
        account,
        thing,
        product,
        api_key_id,
        actor_type,
        actor_email,
        model,
        list_usd,
        units,
        is_whole,
        cost_usd,
        cast(null as string) as service_tier,
        false as is_by_tier
    from ai_usage_analytics.claude_allocated_shares
    where activity_date between @first_day and @last_day
    union all
    select
        activity_date,
        account,
        thing,
        product,
        api_key_id,
        actor_type,
        actor_email,
        model,
        list_usd,
        units,
        is_whole,
        cost_usd,
        service_tier,
        true as is_by_tier
    from ai_usage_analytics.claude_tier_shares
    where activity_date between @first_day and @last_day
),

named as (
    select
        things.activity_date,
        things.account,
        things.organization_id,
        things.workspace_id,
        shares.product,
        shares.api_key_id,
        shares.actor_type,
        shares.actor_email,
        shares.list_usd,
        shares.units,
        shares.cost_usd,
        coalesce(shares.model, nullif(things.model, '')) as model,
        nullif(things.cost_type, '') as cost_type,
        nullif(things.token_type, '') as token_type,
        if(shares.is_by_tier, shares.service_tier, things.service_tier) as service_tier,
        case
            when abs(things.amount_usd - things.measured_usd) <= things.rounding_usd then 'measured'
            when things.measured_usd is not null then 'proportional'
            when shares.units is null then 'none'
            when things.token_type = '' then 'requests'
            when things.line_count > 1 and not shares.is_whole then 'estimated'
            else 'tokens'
        end as allocation_method
    from shares
    inner join ai_usage_analytics.claude_priced_things as things
        on
            shares.activity_date = things.activity_date
            and shares.account = things.account
            and shares.thing = things.thing
            and shares.is_by_tier = things.has_tiers
    where things.activity_date between @first_day and @last_day
)

select
    activity_date as expense_date,
    account,
    organization_id,
    workspace_id,
    model,
    cost_type,
    token_type,
    service_tier,
    product,
    api_key_id,
    actor_type,
    actor_email,
    allocation_method,
    sum(cost_usd) as cost_usd,
    sum(list_usd) as list_usd,
    sum(units) as units
from named
group by
    activity_date, account, organization_id, workspace_id, model, cost_type, token_type, service_tier, product,
    api_key_id, actor_type, actor_email, allocation_method
