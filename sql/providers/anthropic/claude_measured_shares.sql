-- The measured cost of each priced thing in analytics, by payer. Analytics have no units: a payer's part of its key's
-- units (or of those without a key) is its part of the key's measured cost.
--
-- grain: one payer's measured cost of one priced thing on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: as in claude_priced_things
--   product string: as analytics has it
--   api_key_id string: null without a key
--   actor_type string: as analytics has it
--   actor_email string: the user that analytics names, lower-case
--   model string: as analytics has it; null where none was used
--   is_exact boolean not null: the measured costs of the thing add up to what was charged
--   amount_usd numeric not null: as measured, in USD
--   list_usd numeric not null: the same at list price
--   units integer: tokens of the type, or searches; null where nothing counts them
with measured as (
    select
        activity_date,
        account,
        workspace_id,
        product,
        api_key_id,
        actor_type,
        actor_email,
        model,
        line_model,
        cost_type,
        token_type,
        is_batch,
        sum(amount_usd) as amount_usd,
        sum(list_usd) as list_usd
    from ai_usage_analytics.claude_measured_lines
    group by
        activity_date, account, workspace_id, product, api_key_id, actor_type, actor_email, model, line_model,
        cost_type, token_type, is_batch
),

matched as (
    select
        things.activity_date,
        things.account,
        things.thing,
        measured.product,
        measured.api_key_id,
        measured.actor_type,
        measured.actor_email,
        measured.model,
        measured.amount_usd,
        measured.list_usd,
        things.amount_usd = things.measured_usd as is_exact,
        coalesce(measured.api_key_id, '') as pool,
        sum(measured.amount_usd) over (
            partition by things.activity_date, things.account, things.thing, coalesce(measured.api_key_id, '')
        ) as pool_usd
    from ai_usage_analytics.claude_priced_things as things
    inner join measured
        on
            things.activity_date = measured.activity_date
            and things.account = measured.account
            and things.workspace_id = measured.workspace_id
            and things.model = measured.line_model
            and things.cost_type = measured.cost_type
            and things.token_type = measured.token_type
            and (things.tiers = 'all' or things.tiers = if(measured.is_batch, 'batch', 'other'))
    where things.measured_usd is not null
),

pool_units as (
    select
        activity_date,
        account,
        thing,
        coalesce(api_key_id, '') as pool,
        cast(sum(units) as float64) as units
    from ai_usage_analytics.claude_priced_units
    where is_measured
    group by activity_date, account, thing, pool
)

select
    matched.activity_date,
    matched.account,
    matched.thing,
    matched.product,
    matched.api_key_id,
    matched.actor_type,
    matched.actor_email,
    matched.model,
    matched.is_exact,
    matched.amount_usd,
    matched.list_usd,
    cast(round(
        pool_units.units
        * cast(matched.amount_usd as float64)
        / nullif(cast(matched.pool_usd as float64), 0)
    ) as int64) as units
from matched
left join pool_units
    on
        matched.activity_date = pool_units.activity_date
        and matched.account = pool_units.account
        and matched.thing = pool_units.thing
        and matched.pool = pool_units.pool
