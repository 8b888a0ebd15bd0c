-- The invoices of a month, all kinds of cost together, and whether they keep the month open.
--
-- grain: one calendar month of one provider with cost lines or an invoice
-- step of: month_close
-- built: view
-- group: close
-- columns:
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider
--   invoice_usd numeric: their sum; null without one, or if one cannot be compared
--   unexplained_usd numeric: what no cause explains of the differences; null without an invoice
--   seen_at instant: since when the sheet has them; null without one
--   open_reason string: why they keep the month open; null if they do not
with totals as (
    select
        month,
        provider,
        sum(invoice_usd) as invoice_usd,
        sum(unexplained_usd) as unexplained_usd,
        max(invoice_seen_at) as seen_at,
        min(if(invoice_ids is not null, not_comparable_reason, null)) as not_comparable_reason,
        string_agg(if(unexplained_usd != 0, kind, null), ', ' order by kind) as unexplained_kinds,
        string_agg(if(missing_days_usd != 0 or blocked_days_usd != 0, kind, null), ', ' order by kind) as lacking_kinds
    from ai_usage_analytics.month_reconciliation
    group by month, provider
)

select
    month,
    provider,
    if(not_comparable_reason is null, invoice_usd, null) as invoice_usd,
    unexplained_usd,
    seen_at,
    case
        when not_comparable_reason is not null
            then concat('a line of its invoices cannot be compared: ', not_comparable_reason)
        when unexplained_kinds is not null
            then concat('a part of the difference to its invoices is unexplained: ', unexplained_kinds)
        when lacking_kinds is not null then concat('days of its invoices are missing or blocked: ', lacking_kinds)
    end as open_reason
from totals
