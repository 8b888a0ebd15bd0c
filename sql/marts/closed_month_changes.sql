-- Changes in closed months since the close: each day's current cost compared with the frozen copy. The changes of a
-- month add up exactly to its difference.
--
-- grain: one kind of cost of one account on one UTC day of a closed month that differs from the close
-- question: What changed in a month after it was closed, and why?
-- example: select month, provider, activity_date, account, kind, cause, closed_usd, now_usd, change_usd from
--   ai_usage_analytics.closed_month_changes order by month, provider, activity_date
-- built: whole
-- group: close
-- columns:
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider
--   activity_date date not null: the UTC day
--   account string: the account at the provider; null for seats of the sheet
--   kind string not null: usage, seats, credits or tax
--   cause string not null: blocked, pulled after the close, restated, seats changed, or rebuilt: of the same pulls, by
--     changed settings or a new release
--   closed_usd numeric not null: at the close; 0 if there was nothing
--   now_usd numeric not null: now; 0 if there is nothing
--   change_usd numeric not null: now_usd minus closed_usd
--   known_from instant: when the newest version of the day's bill was pulled, if that was after the close
with closes as (
    select
        provider,
        month,
        acted_at
    from ai_usage_analytics.month_closes
    where
        is_in_force
        and act = 'close'
),

sides as (
    select
        month,
        provider,
        activity_date,
        account,
        kind,
        billed_usd as closed_usd,
        cast(0 as numeric) as now_usd
    from ai_usage_analytics.closed_figures
    where is_in_force
    union all
    select
        closes.month,
        billed.provider,
        billed.activity_date,
        billed.account,
        billed.kind,
        cast(0 as numeric) as closed_usd,
        billed.billed_usd as now_usd
    from ai_usage_analytics.billed_by_kind as billed
    inner join closes
        on
            billed.provider = closes.provider
            and format_date('%Y-%m', billed.activity_date) = closes.month
),

changed as (
    select
        month,
        provider,
        activity_date,
        account,
        kind,
        sum(closed_usd) as closed_usd,
        sum(now_usd) as now_usd
    from sides
    group by month, provider, activity_date, account, kind
    having sum(sides.closed_usd) != sum(sides.now_usd)
),

versions as (
    select
        closes.month,
        changes.provider,
        changes.account,
        changes.activity_date,
        max(changes.known_from) as known_from,
        logical_and(changes.is_restatement) as was_known
    from ai_usage_analytics.spend_changes as changes
    inner join closes
        on
            changes.provider = closes.provider
            and format_date('%Y-%m', changes.activity_date) = closes.month
            and changes.known_from > closes.acted_at
    group by closes.month, changes.provider, changes.account, changes.activity_date
)

select
    changed.month,
    changed.provider,
    changed.activity_date,
    changed.account,
    changed.kind,
    case
        when days.is_blocked then 'blocked'
        when not versions.was_known then 'pulled after the close'
        when versions.was_known then 'restated'
        when changed.kind = 'seats' then 'seats changed'
        else 'rebuilt'
    end as cause,
    changed.closed_usd,
    changed.now_usd,
    changed.now_usd - changed.closed_usd as change_usd,
    versions.known_from
from changed
left join versions
    on
        changed.month = versions.month
        and changed.provider = versions.provider
        and changed.activity_date = versions.activity_date
        and changed.account = versions.account
left join ai_usage_analytics.provider_days as days
    on
        changed.provider = days.provider
        and changed.activity_date = days.activity_date
