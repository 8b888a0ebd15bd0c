-- A provider's monthly cost by kind, compared with its invoices: the difference by cause. Each cause takes what the
-- ones before it leave, so that all of them add up exactly to the difference; `unexplained_usd` is the rest. The figure
-- of a console is compared in month_close.
--
-- grain: one kind of cost of one provider in one calendar month, with cost lines or an invoice
-- question: Do a month's invoices equal what was billed, in usage, seats, tax and credits apart?
-- example: select month, provider, kind, lines_usd, invoice_usd, difference_usd, unexplained_usd from
--   ai_usage_analytics.month_reconciliation order by month, provider, kind
-- built: whole
-- group: close
-- columns:
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider, or as an invoice names it
--   kind string not null: usage (before credits), seats, credits or tax
--   lines_usd numeric: billed over the calendar month; null if nothing of the kind was
--   invoice_usd numeric: the sum of the invoices with periods that begin in the month; 0 for credits of an invoice with
--     usage and no credits; null without one, or if a line has no amount in USD
--   invoice_ids string: their numbers; null without one
--   not_comparable_reason string: why there is no difference; null if there is one
--   difference_usd numeric: lines_usd minus invoice_usd; null if it cannot be compared, as are its causes
--   not_invoiced_usd numeric: cost of accounts that no invoice is for
--   days_outside_invoice_usd numeric: cost of the month's days outside the invoices' periods, minus that of the
--     invoices' days outside the month
--   restated_since_invoice_usd numeric: restatements since the sheet has the invoice, if that reduces the difference
--   conversion_usd numeric: of bills in another currency: the providers' own rates against the invoices' rate
--   between_kinds_usd numeric: what usage and credits have of each other: an invoice may state usage after credits;
--     over both kinds it adds up to 0
--   missing_days_usd numeric: the rest, if the invoice is higher and days of its period were never pulled
--   blocked_days_usd numeric: the rest, if days of its period are blocked
--   invoice_only_usd numeric: the rest of tax that no report of the provider has
--   rounding_usd numeric: the rest, if it is within half a cent for each line of the invoices
--   unexplained_usd numeric: the rest
--   invoice_seen_at instant: since when the sheet has the invoices
with lines as (
    select
        provider,
        cast(date_trunc(activity_date, month) as date) as month_start,
        kind,
        sum(billed_usd) as lines_usd
    from ai_usage_analytics.billed_by_kind
    group by provider, month_start, kind
),

stated as (
    select
        provider,
        cast(date_trunc(period_start, month) as date) as month_start,
        kind,
        count(*) as lines_count,
        if(
            countif(amount_usd is null) = 0,
            sum(if(kind = covers, amount_usd, cast(0 as numeric))),
            null
        ) as invoice_usd,
        min(not_comparable_reason) as not_comparable_reason,
        string_agg(distinct invoice_id, ', ' order by invoice_id) as invoice_ids
    from ai_usage_analytics.invoices
    cross join unnest(['usage', 'seats', 'credits', 'tax']) as kind
    where
        removed_at is null
        and (kind = covers or (kind = 'credits' and covers = 'usage'))
    group by provider, month_start, kind
),

compared as (
    select
        coalesce(lines.provider, stated.provider) as provider,
        coalesce(lines.month_start, stated.month_start) as month_start,
        coalesce(lines.kind, stated.kind) as kind,
        lines.lines_usd,
        coalesce(lines.lines_usd, cast(0 as numeric)) as month_usd,
        stated.invoice_usd,
        stated.invoice_ids,
        coalesce(stated.not_comparable_reason, if(stated.kind is null, 'no invoice in the sheet is for it', null))
            as not_comparable_reason,
        coalesce(stated.lines_count, 0) as lines_count
    from lines
    full outer join stated
        on
            lines.provider = stated.provider
            and lines.month_start = stated.month_start
            and lines.kind = stated.kind
),

split as (
    select
        compared.*,
        covered.seen_at,
        covered.conversion_usd,
        covered.days_missing,
        covered.days_blocked,
        covered.blocked_usd,
        compared.month_usd - compared.invoice_usd as difference_usd,
        compared.month_usd - covered.of_invoiced_accounts_usd as not_invoiced_usd,
        covered.of_invoiced_accounts_usd - covered.covered_usd as outside_usd,
        if(
            abs(covered.covered_usd - compared.invoice_usd - covered.conversion_usd - covered.restated_usd)
            < abs(covered.covered_usd - compared.invoice_usd - covered.conversion_usd),
            covered.restated_usd,
            cast(0 as numeric)
        ) as restated_usd,
        covered.covered_usd - compared.invoice_usd - covered.conversion_usd as left_usd
    from compared
    left join ai_usage_analytics.invoiced_lines as covered
        on
            compared.provider = covered.provider
            and compared.month_start = covered.month_start
            and compared.kind = covered.kind
),

-- The amount that is in usage instead of credits, or the reverse.
paired as (
    select
        *,
        left_usd - restated_usd as own_usd,
        sum(if(kind = 'usage', left_usd - restated_usd, null)) over of_month as of_usage_usd,
        sum(if(kind = 'credits', left_usd - restated_usd, null)) over of_month as of_credits_usd
    from split
    window of_month as (partition by provider, month_start)
),

moved as (
    select
        *,
        case
            when difference_usd is null then null
            when kind in ('usage', 'credits') and of_usage_usd > 0 and of_credits_usd < 0
                then if(kind = 'usage', 1, -1) * least(of_usage_usd, -of_credits_usd)
            when kind in ('usage', 'credits') and of_usage_usd < 0 and of_credits_usd > 0
                then if(kind = 'usage', -1, 1) * least(-of_usage_usd, of_credits_usd)
            else cast(0 as numeric)
        end as between_usd
    from paired
),

remaining as (
    select
        moved.*,
        moved.own_usd - moved.between_usd as rest_usd,
        case
            when moved.difference_usd is null then null
            when abs(moved.own_usd - moved.between_usd) <= thresholds.rounding_usd * moved.lines_count then 'rounding'
            when moved.kind = 'tax' and moved.lines_usd is null then 'invoice only'
            when moved.days_missing > 0 and moved.own_usd < moved.between_usd then 'missing'
            when moved.days_blocked > 0 and (moved.own_usd < moved.between_usd or moved.blocked_usd > 0) then 'blocked'
            else 'unexplained'
        end as cause
    from moved
    cross join ai_usage_analytics.close_thresholds as thresholds
)

select
    format_date('%Y-%m', month_start) as month,
    provider,
    kind,
    lines_usd,
    invoice_usd,
    invoice_ids,
    not_comparable_reason,
    difference_usd,
    if(difference_usd is null, null, not_invoiced_usd) as not_invoiced_usd,
    if(difference_usd is null, null, outside_usd) as days_outside_invoice_usd,
    if(difference_usd is null, null, restated_usd) as restated_since_invoice_usd,
    if(difference_usd is null, null, conversion_usd) as conversion_usd,
    between_usd as between_kinds_usd,
    if(cause = 'missing', rest_usd, rest_usd - rest_usd) as missing_days_usd,
    if(cause = 'blocked', rest_usd, rest_usd - rest_usd) as blocked_days_usd,
    if(cause = 'invoice only', rest_usd, rest_usd - rest_usd) as invoice_only_usd,
    if(cause = 'rounding', rest_usd, rest_usd - rest_usd) as rounding_usd,
    if(cause = 'unexplained', rest_usd, rest_usd - rest_usd) as unexplained_usd,
    seen_at as invoice_seen_at
from remaining
