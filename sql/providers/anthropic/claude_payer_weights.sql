-- Who pays for each priced thing, and by what weight. Measured costs are the shares where they add up to what was
-- charged, else its weights. A thing that analytics do not measure is weighed by each key's units. A thing that no
-- source attributes has one row without a payer.
--
-- grain: one payer of one priced thing on one UTC day
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   thing integer not null: as in claude_priced_things
--   product string: as analytics has it; null where they do not measure the thing, as are the next four but the key
--   api_key_id string: null without a key, or without a payer
--   actor_type string: as analytics has it
--   actor_email string: the user that analytics names, lower-case
--   model string: as analytics has it
--   list_usd numeric: the measured cost at list price
--   units integer: tokens of the type, or searches; null where nothing counts them
--   exact_usd numeric: the share as measured; null where the thing is split by weights
--   weight integer: the payer's part of the sum of the thing's weights; null where exact_usd is the share
--   thing_usd numeric not null: billed for the whole thing, in USD
select
    shares.activity_date,
    shares.account,
    shares.thing,
    shares.product,
    shares.api_key_id,
    shares.actor_type,
    shares.actor_email,
    shares.model,
    shares.list_usd,
    shares.units,
    if(shares.is_exact, shares.amount_usd, null) as exact_usd,
    if(
        shares.is_exact, null, cast(greatest(shares.amount_usd, cast(0 as numeric)) * 1000000000 as int64)
    ) as weight,
    things.amount_usd as thing_usd
from ai_usage_analytics.claude_measured_shares as shares
inner join ai_usage_analytics.claude_priced_things as things
    on
        shares.activity_date = things.activity_date
        and shares.account = things.account
        and shares.thing = things.thing
union all
select
    things.activity_date,
    things.account,
    things.thing,
    cast(null as string) as product,
    used.api_key_id,
    cast(null as string) as actor_type,
    cast(null as string) as actor_email,
    cast(null as string) as model,
    cast(null as numeric) as list_usd,
    used.units,
    cast(null as numeric) as exact_usd,
    coalesce(used.units, 1) as weight,
    things.amount_usd as thing_usd
from ai_usage_analytics.claude_priced_things as things
left join ai_usage_analytics.claude_priced_units as used
    on
        things.activity_date = used.activity_date
        and things.account = used.account
        and things.thing = used.thing
        and not used.is_measured
where things.measured_usd is null
