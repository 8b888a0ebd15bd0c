-- Whether a month can be closed, and who closed it: the sum of the provider's cost lines, the figure of its console or
-- invoice, and the difference by cause. Each cause takes what the ones before it leave, so that all of them add up
-- exactly to the difference. `unexplained_usd` is the rest. month_figures has the amounts, month_differences compares
-- them, month_reconciliation compares the invoices by kind of cost.
-- A month is ready when a figure covers it to its end, nothing is missing, blocked or unexplained, in its invoices
-- either, and the provider was pulled again after each day had become final (settled_days). It is closed by a person,
-- with the command close, and stays closed until it is reopened: what changes after that is in closed_month_changes.
--
-- grain: one calendar month of one provider
-- question: Does a month equal the console's figure, who closed it, and if it is still open, why?
-- example: select month, provider, status, status_reason, closed_by_email, difference_usd, unexplained_usd from
--   ai_usage_analytics.month_close order by month, provider
-- built: whole
-- group: close
-- columns:
--   month string not null: YYYY-MM, as in budgets
--   provider string not null: as in dim_provider, or as a figure names it
--   status string not null: open; ready: it can be closed; closed: a person closed it
--   status_reason string: why it is open; for another month a note, if its figure was removed or changed
--   final_on date: the first day on which a pull makes all days of the month and of its figure final; null if no
--     day of the provider was ever pulled
--   vendor_usd numeric: usage over the calendar month's known days; null if none of its days was ever pulled
--   seats_usd numeric: seats over the known days, never part of vendor_usd; null while no price is known
--   figure_usd numeric: the figure of the console or invoice for the whole organization: that of exactly this month,
--     else the longest one that begins in it; null without a figure
--   figure_covers string: usage, or usage_and_seats: from the sheet, else the one that matches; null without a figure
--   figure_from date: the figure's first day
--   figure_to date: the day after its last one
--   figure_source string: where it was read
--   figure_removed_at instant: when it was first missing in the sheet; null while it is there
--   difference_usd numeric: vendor_usd, plus seats_usd if the figure covers them, minus figure_usd; null if one of the
--     two is, as are its causes
--   days_outside_figure_usd numeric: cost of the month's days outside the figure's period, minus the figure's days
--     outside the month: cycles from the 3rd to the 3rd, months to date
--   restated_since_figure_usd numeric: restatements since the cost lines matched the figure, or, if they never did,
--     since the sheet has it, if that reduces the difference
--   missing_days_usd numeric: the rest, if the figure is higher and days of its period were never pulled
--   blocked_days_usd numeric: the rest, if days of its period are blocked: the figure is higher, or they have a last
--     good version
--   rounding_usd numeric: the rest, if it is within half a cent
--   unexplained_usd numeric: the rest
--   days_missing integer: days never pulled: of the figure's period, future days included; without a figure, of the
--     month so far
--   days_blocked integer not null: blocked days of the month, or of the figure's period if it has more
--   invoice_usd numeric: the invoices of the month, all kinds of cost; null without one, or if one cannot be compared
--   invoice_unexplained_usd numeric: what no cause explains of their differences; null likewise
--   ready_at instant: when the last condition for closing was met; null while one is not
--   closed_at instant: when it was closed; null while it is not closed, as are the next ones
--   closed_by_email string: who closed it
--   close_note string: in their words
--   closed_usage_usd numeric: usage before credits, as it was at the close
--   closed_seats_usd numeric: seats, likewise
--   closed_credits_usd numeric: credits, likewise
--   closed_tax_usd numeric: tax, likewise; null where no report has it, as the three before it
--   closed_figure_usd numeric: the figure at the close; null if there was none
--   closed_invoice_usd numeric: the invoices at the close; null if there were none
--   closed_unexplained_usd numeric: what was accepted as unexplained at the close
--   changed_since_close_usd numeric: cost now minus cost at the close: the sum of closed_month_changes
--   restated_since_close_usd numeric: the part of restatements by the provider
--   is_restated_since_close boolean not null: whether the provider restated a day since then
with months as (
    select
        differences.*,
        format_date('%Y-%m', differences.month_start) as month,
        invoices.invoice_usd,
        invoices.unexplained_usd as invoice_unexplained_usd,
        invoices.open_reason,
        differences.is_ready and invoices.open_reason is null as can_close,
        greatest(differences.settled_at, coalesce(invoices.seen_at, differences.settled_at)) as conditions_met_at
    from ai_usage_analytics.month_differences as differences
    left join ai_usage_analytics.invoice_totals as invoices
        on
            differences.provider = invoices.provider
            and format_date('%Y-%m', differences.month_start) = invoices.month
)

select
    months.month,
    months.provider,
    case when closed.month is not null then 'closed' when months.can_close then 'ready' else 'open' end as status,
    case
        when closed.month is null and months.can_close and months.removed_at is null then null
        when closed.figure_usd is not null and months.figure_usd is null
            then 'its figure left the sheet after the close'
        when closed.month is not null and months.removed_at is not null
            then concat(
                'its figure left the sheet on ', format_date('%Y-%m-%d', date(months.removed_at)), ', after the close'
            )
        when closed.figure_usd != months.figure_usd then 'its figure is another one than at the close'
        when closed.month is not null then null
        when months.can_close
            then concat('its figure left the sheet on ', format_date('%Y-%m-%d', date(months.removed_at)))
        when months.days_pulled_count = 0 then 'no day of it was ever pulled'
        when months.known_through < date_sub(months.next_month, interval 1 day)
            then concat('its days are known through ', format_date('%Y-%m-%d', months.known_through))
        when months.days_missing > 0 then concat('days never pulled: ', cast(months.days_missing as string))
        when months.days_blocked > 0
            then concat(
                'blocked days: ', cast(months.days_blocked as string),
                coalesce(concat(', the first on ', format_date('%Y-%m-%d', months.first_blocked_on)), '')
            )
        when months.figure_usd is null then coalesce(months.open_reason, 'no figure in the sheet')
        when not months.is_whole
            then concat(
                'the figure does not cover it: it ends before ', format_date('%Y-%m-%d', months.period_end)
            )
        when months.cause = 'unexplained' then 'a part of the difference is unexplained'
        when months.open_reason is not null then months.open_reason
        when months.asked_on >= months.final_on
            then concat(
                'final since ', format_date('%Y-%m-%d', months.final_on),
                ', but not all of its days were asked about again'
            )
        else concat('final on ', format_date('%Y-%m-%d', months.final_on))
    end as status_reason,
    months.final_on,
    months.usage_usd as vendor_usd,
    months.seats_usd,
    months.figure_usd,
    months.covers as figure_covers,
    months.period_start as figure_from,
    months.period_end as figure_to,
    months.source as figure_source,
    months.removed_at as figure_removed_at,
    months.difference_usd,
    months.outside_usd as days_outside_figure_usd,
    months.restated_usd as restated_since_figure_usd,
    if(months.cause = 'missing', months.rest_usd, months.rest_usd - months.rest_usd) as missing_days_usd,
    if(months.cause = 'blocked', months.rest_usd, months.rest_usd - months.rest_usd) as blocked_days_usd,
    if(months.cause = 'rounding', months.rest_usd, months.rest_usd - months.rest_usd) as rounding_usd,
    if(months.cause = 'unexplained', months.rest_usd, months.rest_usd - months.rest_usd) as unexplained_usd,
    months.days_missing,
    months.days_blocked,
    months.invoice_usd,
    months.invoice_unexplained_usd,
    if(months.can_close, months.conditions_met_at, null) as ready_at,
    closed.acted_at as closed_at,
    closed.acted_by_email as closed_by_email,
    closed.note as close_note,
    closed.usage_usd as closed_usage_usd,
    closed.seats_usd as closed_seats_usd,
    closed.credits_usd as closed_credits_usd,
    closed.tax_usd as closed_tax_usd,
    closed.figure_usd as closed_figure_usd,
    closed.invoice_usd as closed_invoice_usd,
    closed.accepted_usd as closed_unexplained_usd,
    closed.change_usd as changed_since_close_usd,
    closed.restated_usd as restated_since_close_usd,
    coalesce(closed.is_restated, false) as is_restated_since_close
from months
left join ai_usage_analytics.closed_months as closed
    on months.provider = closed.provider and months.month = closed.month
