-- Each person's use of what a seat of Claude includes, and of Claude Code through the API, by day. Only people count:
-- an application's key cannot use a seat. Use of a seat is priced by Anthropic's own estimate; chat has no price.
--
-- grain: one person's UTC day with use
-- step of: seat_options
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   user_email string not null: the person, lower-case
--   is_seat_used boolean not null: whether a seat was used
--   is_chat_used boolean not null: whether claude.ai was used, which needs a seat
--   included_usd numeric: Claude Code's use of the seat, by estimate; null without one
--   used_usd numeric: that and Claude Code's API use at list price; null where a part of it has no price
with code as (
    select
        spend_date as activity_date,
        user_email,
        logical_or(billed_usd is null) as is_seat_used,
        sum(estimated_usd) as included_usd,
        sum(coalesce(estimated_usd, list_usd, billed_usd)) as used_usd,
        countif(coalesce(estimated_usd, list_usd, billed_usd) is null) as unpriced
    from ai_usage_analytics.ai_spend
    where
        provider = 'anthropic'
        and platform = 'claude_code'
        and charge_type = 'usage'
        and user_email is not null
    group by spend_date, user_email
),

uses as (
    select
        activity_date,
        user_email,
        is_seat_used,
        false as is_chat_used,
        included_usd,
        used_usd,
        unpriced
    from code
    union all
    select
        activity_date,
        user_email,
        true as is_seat_used,
        true as is_chat_used,
        cast(null as numeric) as included_usd,
        cast(null as numeric) as used_usd,
        1 as unpriced
    from ai_usage_analytics.ai_activity
    where provider = 'anthropic' and tool = 'claude.ai' and is_active and user_email is not null
)

select
    activity_date,
    user_email,
    logical_or(is_seat_used) as is_seat_used,
    logical_or(is_chat_used) as is_chat_used,
    sum(included_usd) as included_usd,
    if(sum(unpriced) > 0, null, sum(used_usd)) as used_usd
from uses
group by activity_date, user_email
