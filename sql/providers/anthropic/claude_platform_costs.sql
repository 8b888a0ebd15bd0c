-- Claude's cost by platform, before its people are looked up: shares with a known platform, other shares split by
-- claude_platform_pieces, and usage outside the Console, which only analytics report. A share is split by
-- differences of rounded-down cumulative parts, so that nothing is lost.
--
-- grain: one share, or one piece of it, of one person or key on one platform on one UTC day
-- step of: claude_attributed_costs
-- built: view
-- group: claude
-- columns:
--   expense_date date not null: the UTC day
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   is_in_cost_report boolean not null: part of claude_costs; false for usage outside the Console, as claude.ai
--   platform string not null: claude.ai, claude_code, claude_api, workbench or unsegmented
--   platform_method string not null: measured, estimated or unknown
--   workspace_id string: as in claude_cost_shares; null outside the Console
--   api_key_id string: null without a key
--   actor_email string: the person that analytics or Claude Code's report names
--   model string: null where none was used
--   cost_type string: tokens, web_search, code_execution, session_usage, or what the provider adds
--   token_type string: which kind of token; null where no token was bought
--   service_tier string: standard or batch; null where no token was bought
--   product string: as analytics has it; null where the share is not measured
--   allocation_method string not null: how the cost was allocated, as in claude_cost_shares
--   cost_usd numeric not null: billed, in USD
--   list_usd numeric: the same at list price, where it is measured
--   share_units integer: units of the whole share; null where nothing counts them
--   piece_weight float: the row has this part of pieces_weight of the share's units; null where the share is not split
--   pieces_weight float: null where the share is not split
with divided as (
    select
        shares.*,
        pieces.user_email,
        pieces.platform as piece_platform,
        pieces.piece_weight,
        pieces.pieces_weight,
        cast(shares.cost_usd * 1000000000 as int64) as nano_usd,
        coalesce(pieces.from_share, 0) as from_share,
        coalesce(pieces.upto_share, 1) as upto_share
    from ai_usage_analytics.claude_platform_shares as shares
    left join ai_usage_analytics.claude_platform_pieces as pieces
        on
            shares.expense_date = pieces.expense_date
            and shares.account = pieces.account
            and shares.model = pieces.model
            and coalesce(shares.api_key_id, '') = pieces.pool
    where shares.platform is null
)

select
    expense_date,
    account,
    organization_id,
    true as is_in_cost_report,
    platform,
    platform_method,
    workspace_id,
    api_key_id,
    actor_email,
    model,
    cost_type,
    token_type,
    service_tier,
    product,
    allocation_method,
    cost_usd,
    list_usd,
    units as share_units,
    cast(null as float64) as piece_weight,
    cast(null as float64) as pieces_weight
from ai_usage_analytics.claude_platform_shares
where platform is not null
union all
select
    expense_date,
    account,
    organization_id,
    true as is_in_cost_report,
    coalesce(piece_platform, if(api_key_id is null, 'workbench', 'claude_api')) as platform,
    'estimated' as platform_method,
    workspace_id,
    api_key_id,
    user_email as actor_email,
    model,
    cost_type,
    token_type,
    service_tier,
    product,
    allocation_method,
    cast(
        cast(
            cast(floor(cast(nano_usd as float64) * upto_share) as int64)
            - cast(floor(cast(nano_usd as float64) * from_share) as int64) as numeric
        ) * cast('0.000000001' as numeric) as numeric
    ) as cost_usd,
    list_usd,
    units as share_units,
    piece_weight,
    pieces_weight
from divided
union all
select
    activity_date as expense_date,
    account,
    organization_id,
    false as is_in_cost_report,
    if(product = 'claude_code', 'claude_code', 'claude.ai') as platform,
    'measured' as platform_method,
    workspace_id,
    api_key_id,
    user_email as actor_email,
    model,
    cost_type,
    token_type,
    cast(null as string) as service_tier,
    product,
    'measured' as allocation_method,
    amount_usd as cost_usd,
    list_usd,
    cast(null as int64) as share_units,
    cast(null as float64) as piece_weight,
    cast(null as float64) as pieces_weight
from ai_usage_analytics.claude_measured_costs
where not is_in_cost_report
