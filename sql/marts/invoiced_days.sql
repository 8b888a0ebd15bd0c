-- The days that lines of invoices are for, by kind of cost: a line without an account is for all accounts. An invoice
-- with usage and without credits has usage after credits, so it is for the credits of its days, too.
--
-- grain: one kind of cost of one account, or of all, on one UTC day, under the month in which the period begins
-- step of: month_reconciliation
-- built: view
-- group: close
-- columns:
--   provider string not null: as in the invoice
--   month_start date not null: the first day of the month in which the period begins
--   kind string not null: usage, seats, credits or tax
--   account string: as in the invoice; null is all of them together
--   activity_date date not null: the UTC day
--   seen_at instant not null: since when the sheet has all of these lines
--   currency string not null: of the invoice
--   usd_per_unit numeric: its rate
--   invoice_id string: null where several invoices are for the day
with lines as (
    select
        provider,
        account,
        invoice_id,
        period_start,
        period_end,
        kind,
        currency,
        usd_per_unit,
        first_seen_at
    from ai_usage_analytics.invoices
    cross join unnest(['usage', 'seats', 'credits', 'tax']) as kind
    where
        removed_at is null
        and (kind = covers or (kind = 'credits' and covers = 'usage'))
)

select
    provider,
    cast(date_trunc(period_start, month) as date) as month_start,
    kind,
    account,
    activity_date,
    max(first_seen_at) as seen_at,
    max(currency) as currency,
    max(usd_per_unit) as usd_per_unit,
    if(min(invoice_id) = max(invoice_id), min(invoice_id), null) as invoice_id
from lines
cross join unnest(generate_date_array(period_start, date_sub(period_end, interval 1 day))) as activity_date
group by provider, month_start, kind, account, activity_date
