-- How each key's cost by tokens, and the cost without a key, is split between platforms and people: Claude Code has its
-- estimates, and what they leave is the API's, or without a key Workbench's. Where the estimates exceed the cost, they
-- leave nothing, and are met in proportion.
--
-- grain: one platform's or person's piece of a key's cost of one model (or of the cost without a key) on one UTC day
-- step of: claude_attributed_costs
-- built: view
-- group: claude
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   model string: the model's id
--   pool string not null: the key; empty: cost without a key
--   user_email string: the person, where Claude Code's report has one
--   platform string not null: claude_code, claude_api or workbench
--   piece_weight float not null: the piece, in USD
--   pieces_weight float not null: all pieces, in USD: the cost is split in proportion to them
--   from_share float not null: the pieces before it, in the order of platform and person, as a part of all pieces
--   upto_share float not null: this piece and those before it, as a part of all pieces
with pools as (
    select
        expense_date,
        account,
        model,
        coalesce(api_key_id, '') as pool,
        sum(cost_usd) as pool_usd
    from ai_usage_analytics.claude_platform_shares
    where platform is null
    group by expense_date, account, model, pool
),

code_by_pool as (
    select
        expense_date,
        account,
        model,
        pool,
        sum(code_usd) as pool_code_usd
    from ai_usage_analytics.claude_code_estimates
    where code_usd > 0
    group by expense_date, account, model, pool
),

pieces as (
    select
        expense_date,
        account,
        model,
        pool,
        user_email,
        'claude_code' as platform,
        code_usd as piece_usd
    from ai_usage_analytics.claude_code_estimates
    where code_usd > 0
    union all
    select
        pools.expense_date,
        pools.account,
        pools.model,
        pools.pool,
        cast(null as string) as user_email,
        if(pools.pool = '', 'workbench', 'claude_api') as platform,
        pools.pool_usd - coalesce(code_by_pool.pool_code_usd, cast(0 as numeric)) as piece_usd
    from pools
    left join code_by_pool
        on
            pools.expense_date = code_by_pool.expense_date
            and pools.account = code_by_pool.account
            and pools.model = code_by_pool.model
            and pools.pool = code_by_pool.pool
    where pools.pool_usd > coalesce(code_by_pool.pool_code_usd, cast(0 as numeric))
),

laid as (
    select
        pieces.*,
        sum(piece_usd) over (
            partition by expense_date, account, model, pool
            order by platform, user_email
            rows between unbounded preceding and current row
        ) as upto_usd,
        sum(piece_usd) over (partition by expense_date, account, model, pool) as pieces_usd
    from pieces
)

select
    expense_date,
    account,
    model,
    pool,
    user_email,
    platform,
    cast(piece_usd as float64) as piece_weight,
    cast(pieces_usd as float64) as pieces_weight,
    cast(upto_usd - piece_usd as float64) / cast(pieces_usd as float64) as from_share,
    cast(upto_usd as float64) / cast(pieces_usd as float64) as upto_share
from laid
