-- Whether a month can be closed: the sum of the provider's cost lines, the figure of its console or invoice, and the
-- difference by cause. Each cause takes what the ones before it leave, so that all of them add up exactly to the
-- difference. `unexplained_usd` is the rest. month_figures has the amounts, month_differences compares them.
-- A month is closed when a figure covers it to its end, nothing is missing or unexplained, and the provider was pulled
-- again after each day had become final (settled_days). It stays closed if it is restated later, or if its figure is
-- removed from the sheet; columns and status_reason show that.
--
-- grain: one calendar month of one provider
-- question: Does a month equal the console's figure, and if it is still open, why?
-- example: select month, provider, status, status_reason, difference_usd, unexplained_usd from
--   ai_usage_analytics.month_close order by month, provider
-- built: whole
-- group: close
-- columns:
--   month string not null: YYYY-MM, as in budgets
--   provider string not null: as in dim_provider, or as a figure names it
--   status string not null: open or closed
--   status_reason string: why it is open; for a closed month a note, if its figure was removed from the sheet
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
--   rounding_usd numeric: the rest, if it is within half a cent
--   unexplained_usd numeric: the rest
--   days_missing integer: days never pulled: of the figure's period, future days included; without a figure, of the
--     month so far
--   closed_at instant: when the last condition for closing was met; null while it is open
--   restated_since_close_usd numeric: restatements since then; null while it is open
--   is_restated_since_close boolean not null: whether the provider restated a day since then
with since_close as (
    select
        months.provider,
        months.month_start,
        sum(changes.change_usd) as change_usd,
        logical_or(changes.change_usd != 0) as is_restated
    from ai_usage_analytics.month_differences as months
    inner join ai_usage_analytics.spend_changes as changes
        on
            months.provider = changes.provider
            and months.month_start = date_trunc(changes.activity_date, month)
            and months.settled_at < changes.known_from
    where months.is_closed
    group by months.provider, months.month_start
)

select
    format_date('%Y-%m', months.month_start) as month,
    months.provider,
    if(months.is_closed, 'closed', 'open') as status,
    case
        when months.is_closed and months.removed_at is null then null
        when months.is_closed
            then concat(
                'its figure left the sheet on ', format_date('%Y-%m-%d', date(months.removed_at)), ', after the close'
            )
        when months.days_pulled_count = 0 then 'no day of it was ever pulled'
        when months.known_through < date_sub(months.next_month, interval 1 day)
            then concat('its days are known through ', format_date('%Y-%m-%d', months.known_through))
        when months.days_missing > 0 then concat('days never pulled: ', cast(months.days_missing as string))
        when months.figure_usd is null then 'no figure in the sheet'
        when not months.is_whole
            then concat(
                'the figure does not cover it: it ends before ', format_date('%Y-%m-%d', months.period_end)
            )
        when months.cause = 'unexplained' then 'a part of the difference is unexplained'
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
    if(months.cause = 'rounding', months.rest_usd, months.rest_usd - months.rest_usd) as rounding_usd,
    if(months.cause = 'unexplained', months.rest_usd, months.rest_usd - months.rest_usd) as unexplained_usd,
    months.days_missing,
    if(months.is_closed, months.settled_at, null) as closed_at,
    if(months.is_closed, coalesce(since_close.change_usd, cast(0 as numeric)), null) as restated_since_close_usd,
    coalesce(since_close.is_restated, false) as is_restated_since_close
from ai_usage_analytics.month_differences as months
left join since_close on months.provider = since_close.provider and months.month_start = since_close.month_start
