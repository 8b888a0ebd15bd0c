-- What was billed on the days that a month's invoices are for, by kind of cost: the sum that each invoice must equal.
--
-- grain: one kind of cost of one provider in one month that has an invoice
-- step of: month_reconciliation
-- built: view
-- group: close
-- columns:
--   provider string not null: as in the invoice
--   month_start date not null: the month in which the invoices' periods begin
--   kind string not null: usage, seats, credits or tax
--   covered_usd numeric not null: billed on the invoices' days
--   covered_in_month_usd numeric not null: the part of it on days of the month
--   of_invoiced_accounts_usd numeric not null: billed in the month for the accounts that have an invoice
--   conversion_usd numeric not null: by how much the providers' own rates make more of it than the invoices' rates
--   restated_usd numeric not null: restatements of the invoices' days since the sheet has them
--   days_missing integer not null: days of the invoices that were never pulled
--   days_blocked integer not null: days of the invoices that are blocked
--   blocked_usd numeric not null: what the last good versions have of these
--   seen_at instant not null: since when the sheet has all of the invoices
with covered as (
    select
        days.provider,
        days.month_start,
        days.kind,
        billed.account,
        billed.activity_date,
        billed.billed_currency,
        any_value(billed.billed_usd) as billed_usd,
        max(
            if(
                billed.billed_currency = days.currency,
                billed.billed_usd - cast(billed.billed_amount * days.usd_per_unit as numeric),
                cast(0 as numeric)
            )
        ) as conversion_usd
    from ai_usage_analytics.invoiced_days as days
    inner join ai_usage_analytics.billed_by_kind as billed
        on
            days.provider = billed.provider
            and days.kind = billed.kind
            and days.activity_date = billed.activity_date
            and (days.account is null or billed.account is null or days.account = billed.account)
    group by
        days.provider, days.month_start, days.kind, billed.account, billed.activity_date, billed.billed_currency
),

sums as (
    select
        provider,
        month_start,
        kind,
        sum(billed_usd) as covered_usd,
        sum(if(date_trunc(activity_date, month) = month_start, billed_usd, cast(0 as numeric)))
            as covered_in_month_usd,
        sum(conversion_usd) as conversion_usd
    from covered
    group by provider, month_start, kind
),

accounts as (
    select distinct
        provider,
        month_start,
        kind,
        account
    from covered
),

of_accounts as (
    select
        accounts.provider,
        accounts.month_start,
        accounts.kind,
        sum(billed.billed_usd) as billed_usd
    from accounts
    inner join ai_usage_analytics.billed_by_kind as billed
        on
            accounts.provider = billed.provider
            and accounts.month_start = date_trunc(billed.activity_date, month)
            and accounts.kind = billed.kind
            and coalesce(accounts.account, '') = coalesce(billed.account, '')
    group by accounts.provider, accounts.month_start, accounts.kind
),

changes as (
    select
        days.provider,
        days.month_start,
        changes.account,
        changes.activity_date,
        changes.known_from,
        max(changes.change_usd) as change_usd
    from ai_usage_analytics.invoiced_days as days
    inner join ai_usage_analytics.spend_changes as changes
        on
            days.provider = changes.provider
            and days.activity_date = changes.activity_date
            and days.seen_at < changes.known_from
            and (days.account is null or days.account = changes.account)
    where
        days.kind = 'usage'
        and changes.is_restatement
    group by days.provider, days.month_start, changes.account, changes.activity_date, changes.known_from
),

restated as (
    select
        provider,
        month_start,
        sum(change_usd) as restated_usd
    from changes
    group by provider, month_start
),

known as (
    select
        days.provider,
        days.month_start,
        days.kind,
        count(distinct days.activity_date) - count(distinct pulled.activity_date) as days_missing,
        count(distinct if(pulled.is_blocked, pulled.activity_date, null)) as days_blocked,
        sum(if(pulled.is_blocked, pulled.usage_usd, cast(0 as numeric))) as blocked_usd,
        max(days.seen_at) as seen_at
    from ai_usage_analytics.invoiced_days as days
    left join ai_usage_analytics.provider_days as pulled
        on
            days.provider = pulled.provider
            and days.activity_date = pulled.activity_date
    group by days.provider, days.month_start, days.kind
)

select
    known.provider,
    known.month_start,
    known.kind,
    coalesce(sums.covered_usd, cast(0 as numeric)) as covered_usd,
    coalesce(sums.covered_in_month_usd, cast(0 as numeric)) as covered_in_month_usd,
    coalesce(of_accounts.billed_usd, cast(0 as numeric)) as of_invoiced_accounts_usd,
    coalesce(sums.conversion_usd, cast(0 as numeric)) as conversion_usd,
    if(known.kind = 'usage', coalesce(restated.restated_usd, cast(0 as numeric)), cast(0 as numeric)) as restated_usd,
    known.days_missing,
    known.days_blocked,
    known.blocked_usd,
    known.seen_at
from known
left join sums
    on known.provider = sums.provider and known.month_start = sums.month_start and known.kind = sums.kind
left join of_accounts
    on
        known.provider = of_accounts.provider
        and known.month_start = of_accounts.month_start
        and known.kind = of_accounts.kind
left join restated on known.provider = restated.provider and known.month_start = restated.month_start
