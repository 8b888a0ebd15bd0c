-- Billed cost of each account's day by kind, as invoices separate the kinds. Usage is before credits. Tax is included
-- if a provider reports it; ai_spend has none.
--
-- grain: one kind of cost of one account on one UTC day, in one currency
-- question: What did each account's day cost in usage, seats, credits and tax?
-- example: select provider, kind, sum(billed_usd) as billed_usd from ai_usage_analytics.billed_by_kind where
--   activity_date between '2026-10-01' and '2026-10-31' group by provider, kind order by provider, kind
-- built: daily by activity_date
-- group: close
-- columns:
--   activity_date date not null: the UTC day
--   provider string not null: as in dim_provider
--   account string: the account at the provider; null for seats of the sheet
--   kind string not null: usage, seats, credits or tax
--   billed_usd numeric not null: in USD; credits are negative
--   billed_amount numeric: in billed_currency; null where that is USD
--   billed_currency string: the currency of the bill where it is not USD
with billed as (
    select
        spend_date as activity_date,
        provider,
        account,
        case charge_type when 'subscription' then 'seats' when 'credit' then 'credits' else 'usage' end as kind,
        billed_usd,
        billed_amount,
        billed_currency
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and billed_usd is not null
    union all
    select
        activity_date,
        provider,
        account,
        'tax' as kind,
        billed_usd,
        billed_amount,
        billed_currency
    from `providers/*/taxes`
    where activity_date between @first_day and @last_day
)

select
    activity_date,
    provider,
    account,
    kind,
    sum(billed_usd) as billed_usd,
    sum(billed_amount) as billed_amount,
    billed_currency
from billed
group by activity_date, provider, account, kind, billed_currency
