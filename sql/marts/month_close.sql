-- Whether a month can be closed: the sum of the provider's cost lines, the figure of its console or invoice, and the
-- difference by cause. Each cause takes what the ones before it leave, so that all of them add up exactly to the
-- difference. `unexplained_usd` is the rest.
-- A month is closed when a figure covers it to its end, nothing is missing or unexplained, and the provider was pulled
-- again after each day had become final (settled_days). It stays closed if it is restated later, or if its figure is
-- removed from the sheet; columns and status_reason show that.
--
-- grain: one calendar month of one provider
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
with pulled as (
    select
        provider,
        cast(date_trunc(activity_date, month) as date) as month_start,
        sum(usage_usd) as usage_usd,
        sum(seats_usd) as seats_usd,
        count(*) as days_pulled,
        count(settled_at) as days_settled,
        max(settled_at) as settled_at
    from ai_usage_analytics.provider_days
    group by provider, month_start
),

providers as (
    select
        provider,
        max(activity_date) as known_through,
        max(date_diff(final_on, activity_date, day)) as days_to_final
    from ai_usage_analytics.provider_days
    group by provider
),

looks as (
    select
        providers.provider,
        min(coalesce(pulls.asked_at, pulls.pulled_at)) over (
            partition by pulls.pull, pulls.account, pulls.activity_date
            order by pulls.pulled_at, pulls.pull_id
            rows between current row and unbounded following
        ) as asked_at -- no look was later than one that came after it
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
),

asked as (
    select
        provider,
        max(date(asked_at)) as asked_on
    from looks
    group by provider
),

edited as (
    select distinct
        provider,
        period_start,
        period_end
    from ai_usage_analytics.figure_readings
    where removed_at is null
),

in_sheet as (
    select *
    from ai_usage_analytics.figure_readings
    where removed_at is null
    qualify rank() over (
        partition by provider, month_start
        order by
            if(period_start = month_start and period_end = date_add(month_start, interval 1 month), 0, 1) asc,
            date_diff(period_end, period_start, day) desc,
            period_start asc,
            row_in_sheet asc
    ) = 1
),

-- An edited figure replaces the one that it was.
readings as (
    select *
    from in_sheet
    union all
    select removed.*
    from ai_usage_analytics.figure_readings as removed
    left join edited
        on
            removed.provider = edited.provider
            and removed.period_start = edited.period_start
            and removed.period_end = edited.period_end
    where
        removed.removed_at is not null
        and edited.provider is null
),

months as (
    select
        provider,
        month_start
    from pulled
    union distinct
    select
        provider,
        month_start
    from in_sheet
),

-- Each month with each of its figures, and once without a figure.
compared as (
    select
        months.provider,
        months.month_start,
        date_add(months.month_start, interval 1 month) as next_month,
        pulled.usage_usd,
        nullif(pulled.seats_usd, cast(0 as numeric)) as seats_usd,
        providers.known_through,
        asked.asked_on,
        readings.figure_id,
        readings.covers,
        readings.amount_usd as figure_usd,
        readings.period_start,
        readings.period_end,
        readings.source,
        readings.removed_at,
        readings.matched_at is not null as has_matched,
        coalesce(pulled.days_pulled, 0) as days_pulled,
        coalesce(readings.since_usd, cast(0 as numeric)) as since_usd,
        pulled.usage_usd + if(readings.covers = 'usage_and_seats', pulled.seats_usd, cast(0 as numeric)) as month_usd,
        coalesce(readings.usage_usd, cast(0 as numeric)) + if(
            readings.covers = 'usage_and_seats', coalesce(readings.seats_usd, cast(0 as numeric)), cast(0 as numeric)
        ) as period_usd,
        date_diff(date_add(months.month_start, interval 1 month), months.month_start, day)
        = pulled.days_settled as is_settled,
        date_diff(readings.period_end, readings.period_start, day) >= 28
        and readings.period_end >= date_add(months.month_start, interval 1 month) as is_whole,
        date_diff(readings.period_end, readings.period_start, day) = readings.days_settled as is_figure_settled,
        if(
            readings.period_end is null,
            date_diff(
                least(
                    date_add(months.month_start, interval 1 month), date_add(providers.known_through, interval 1 day)
                ),
                months.month_start, day
            ) - coalesce(pulled.days_pulled, 0),
            date_diff(readings.period_end, readings.period_start, day) - readings.days_pulled
        ) as days_missing,
        cast(date_add(
            greatest(
                date_add(months.month_start, interval 1 month),
                coalesce(readings.period_end, date_add(months.month_start, interval 1 month))
            ),
            interval providers.days_to_final - 1 day
        ) as date) as final_on,
        greatest(
            pulled.settled_at, readings.settled_at, coalesce(readings.matched_at, readings.first_seen_at)
        ) as settled_at
    from months
    cross join unnest([true, false]) as is_with_figure
    left join pulled on months.provider = pulled.provider and months.month_start = pulled.month_start
    left join providers on months.provider = providers.provider
    left join asked on months.provider = asked.provider
    left join readings
        on
            months.provider = readings.provider
            and months.month_start = readings.month_start
            and is_with_figure
),

explained as (
    select
        *,
        month_usd - figure_usd as difference_usd,
        month_usd - period_usd as outside_usd,
        period_usd - figure_usd as left_usd,
        case
            when month_usd - figure_usd is null then null
            when
                has_matched
                or (
                    abs(period_usd - figure_usd) > cast('0.005' as numeric)
                    and abs(period_usd - figure_usd - since_usd) < abs(period_usd - figure_usd)
                )
                then since_usd
            else cast(0 as numeric)
        end as restated_usd
    from compared
),

remaining as (
    select
        *,
        left_usd - restated_usd as rest_usd,
        case
            when difference_usd is null then null
            when abs(left_usd - restated_usd) <= cast('0.005' as numeric) then 'rounding'
            when days_missing > 0 and left_usd < restated_usd then 'missing'
            else 'unexplained'
        end as cause
    from explained
),

decided as (
    select
        *,
        coalesce(is_settled and is_figure_settled and is_whole and cause = 'rounding', false)
        and (removed_at is null or settled_at < removed_at) as is_closed
    from remaining
),

chosen as (
    select *
    from decided
    where
        removed_at is null
        or is_closed
    qualify row_number() over (
        partition by provider, month_start
        order by
            if(is_closed, if(removed_at is null, 0, 1), if(figure_id is null, 3, 2)) asc,
            if(
                abs(rest_usd) <= greatest(
                    cast('0.01' as numeric), cast(abs(figure_usd) * cast('0.0001' as numeric) as numeric)
                ),
                0, 1
            ) asc,
            if(coalesce(covers, 'usage') = 'usage', 0, 1) asc,
            removed_at desc,
            figure_id asc
    ) = 1
),

changes as (
    select
        provider,
        activity_date,
        known_from,
        billed_usd - coalesce(lag(billed_usd) over version, cast(0 as numeric)) as change_usd
    from ai_usage_analytics.spend_versions
    window version as (partition by provider, account, activity_date order by known_from asc, pull_id asc)
),

since_close as (
    select
        chosen.provider,
        chosen.month_start,
        sum(changes.change_usd) as change_usd,
        logical_or(changes.change_usd != 0) as is_restated
    from chosen
    inner join changes
        on
            chosen.provider = changes.provider
            and chosen.month_start = date_trunc(changes.activity_date, month)
            and chosen.settled_at < changes.known_from
    where chosen.is_closed
    group by chosen.provider, chosen.month_start
)

select
    format_date('%Y-%m', chosen.month_start) as month,
    chosen.provider,
    if(chosen.is_closed, 'closed', 'open') as status,
    case
        when chosen.is_closed and chosen.removed_at is null then null
        when chosen.is_closed
            then concat(
                'its figure left the sheet on ', format_date('%Y-%m-%d', date(chosen.removed_at)), ', after the close'
            )
        when chosen.days_pulled = 0 then 'no day of it was ever pulled'
        when chosen.known_through < date_sub(chosen.next_month, interval 1 day)
            then concat('its days are known through ', format_date('%Y-%m-%d', chosen.known_through))
        when chosen.days_missing > 0 then concat('days never pulled: ', cast(chosen.days_missing as string))
        when chosen.figure_usd is null then 'no figure in the sheet'
        when not chosen.is_whole
            then concat(
                'the figure does not cover it: it ends before ', format_date('%Y-%m-%d', chosen.period_end)
            )
        when chosen.cause = 'unexplained' then 'a part of the difference is unexplained'
        when chosen.asked_on >= chosen.final_on
            then concat(
                'final since ', format_date('%Y-%m-%d', chosen.final_on),
                ', but not all of its days were asked about again'
            )
        else concat('final on ', format_date('%Y-%m-%d', chosen.final_on))
    end as status_reason,
    chosen.final_on,
    chosen.usage_usd as vendor_usd,
    chosen.seats_usd,
    chosen.figure_usd,
    chosen.covers as figure_covers,
    chosen.period_start as figure_from,
    chosen.period_end as figure_to,
    chosen.source as figure_source,
    chosen.removed_at as figure_removed_at,
    chosen.difference_usd,
    if(chosen.difference_usd is null, null, chosen.outside_usd) as days_outside_figure_usd,
    chosen.restated_usd as restated_since_figure_usd,
    if(chosen.cause = 'missing', chosen.rest_usd, chosen.rest_usd - chosen.rest_usd) as missing_days_usd,
    if(chosen.cause = 'rounding', chosen.rest_usd, chosen.rest_usd - chosen.rest_usd) as rounding_usd,
    if(chosen.cause = 'unexplained', chosen.rest_usd, chosen.rest_usd - chosen.rest_usd) as unexplained_usd,
    chosen.days_missing,
    if(chosen.is_closed, chosen.settled_at, null) as closed_at,
    if(chosen.is_closed, coalesce(since_close.change_usd, cast(0 as numeric)), null) as restated_since_close_usd,
    coalesce(since_close.is_restated, false) as is_restated_since_close
from chosen
left join since_close on chosen.provider = since_close.provider and chosen.month_start = since_close.month_start
