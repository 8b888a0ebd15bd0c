-- The last known day of each bill, when the provider was last pulled, and the first day that it may still restate.
-- Every number of a dashboard shows these three.
--
-- grain: one provider with a bill that was ever pulled
-- question: Up to which day is each provider's spend known, and from which day is it provisional?
-- example: select provider, data_through, provisional_from, days_missing from ai_usage_analytics.spend_freshness
--   order by provider
-- built: whole
-- group: quality
-- columns:
--   provider string not null: as in dim_provider
--   data_through date: the last UTC day that is known; null if none is
--   as_of instant not null: when it was last pulled for any day; if there are several accounts, for the one that was
--     pulled least recently
--   provisional_from date: the first UTC day that the provider may still restate; null if there is none
--   days_missing integer not null: UTC days between the first and the last known one that are not known
with looks as (
    select
        providers.provider,
        pulls.account,
        min(coalesce(pulls.asked_at, pulls.pulled_at)) over (
            partition by pulls.pull, pulls.account, pulls.activity_date
            order by pulls.pulled_at, pulls.pull_id
            rows between current row and unbounded following
        ) as asked_at -- no look was later than one that came after it
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
),

accounts as (
    select
        provider,
        account,
        max(asked_at) as as_of
    from looks
    group by provider, account
),

-- An account that is not configured any more is not pulled.
asked as (
    select
        accounts.provider,
        coalesce(min(if(dim_account.is_expected, accounts.as_of, null)), max(accounts.as_of)) as as_of
    from accounts
    left join ai_usage_analytics.dim_account as dim_account
        on
            accounts.provider = dim_account.provider
            and accounts.account = dim_account.account
    group by accounts.provider
),

known as (
    select
        scope_name as provider,
        max(spend_date) as data_through,
        date_diff(max(spend_date), min(spend_date), day) + 1 - count(*) as days_missing
    from ai_usage_analytics.spend_by_scope
    where
        scope = 'provider'
        and is_complete
    group by scope_name
),

unsettled as (
    select
        provider,
        min(spend_date) as provisional_from
    from ai_usage_analytics.ai_spend
    where status = 'provisional'
    group by provider
)

select
    asked.provider,
    known.data_through,
    asked.as_of,
    unsettled.provisional_from,
    coalesce(known.days_missing, 0) as days_missing
from asked
left join known on asked.provider = known.provider
left join unsettled on asked.provider = unsettled.provider
