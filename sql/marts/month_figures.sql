-- Each month of a provider with each figure of its console or invoice that begins in it, and once without a figure:
-- what was billed in the month and in the figure's period, and which of these days are known and final.
-- month_differences compares them.
--
-- grain: one month of one provider with one reading of a figure, or without one
-- step of: month_close
-- built: view
-- group: close
-- columns:
--   provider string not null: as in dim_provider, or as a figure names it
--   month_start date not null: the first day of the month
--   next_month date not null: the first day of the month after it
--   usage_usd numeric: usage over the month's known days; null without any
--   seats_usd numeric: seats over them; null while no price is known
--   known_through date: the provider's last day that was pulled
--   asked_on date: the last day on which its bill was asked for
--   figure_id integer: as in figure_readings; null without a figure, as are the other columns of a figure
--   covers string: usage or usage_and_seats
--   figure_usd numeric: as the console or invoice shows it
--   period_start date: the figure's first day
--   period_end date: exclusive
--   source string: where it was read
--   removed_at instant: when it was first missing in the sheet
--   has_matched boolean not null: whether the cost lines ever matched it
--   since_usd numeric not null: restatements since then, or since the sheet has the figure; 0 without a figure
--   days_pulled_count integer not null: the month's days that were pulled
--   month_usd numeric: what the figure covers, over the month
--   period_usd numeric not null: what the figure covers, over its period
--   is_settled boolean: whether all days of the month are final
--   is_figure_settled boolean: whether all days of the figure's period are
--   is_whole boolean: whether the figure is one of a whole month or more and covers the month to its end
--   days_missing integer: days never pulled: of the figure's period; without a figure, of the month so far
--   days_blocked integer not null: blocked days of the month, or of the figure's period if it has more
--   blocked_usd numeric not null: usage that the last good versions have of the blocked days of the figure's period
--   first_blocked_on date: the month's first blocked day
--   final_on date: the first day on which a pull makes all days of the month and of its figure final
--   settled_at instant: when the last of the conditions for closing was met, if they are met
with pulled as (
    select
        provider,
        cast(date_trunc(activity_date, month) as date) as month_start,
        sum(usage_usd) as usage_usd,
        sum(seats_usd) as seats_usd,
        count(*) as days_pulled,
        count(settled_at) as days_settled,
        countif(is_blocked) as days_blocked,
        min(if(is_blocked, activity_date, null)) as first_blocked_on,
        max(settled_at) as settled_at
    from ai_usage_analytics.provider_days
    group by provider, month_start
),

placed as (
    select
        *,
        logical_or(removed_at is null) over (partition by provider, period_start, period_end) as is_in_sheet,
        rank() over (
            partition by provider, month_start, removed_at is null
            order by
                if(period_start = month_start and period_end = date_add(month_start, interval 1 month), 0, 1) asc,
                date_diff(period_end, period_start, day) desc,
                period_start asc,
                row_in_sheet asc
        ) as place
    from ai_usage_analytics.figure_readings
),

-- Of the figures in the sheet, that of exactly the month, else the longest one; and those that were removed from it. An
-- edited figure replaces the one that it was.
readings as (
    select *
    from placed
    where
        (removed_at is null and place = 1)
        or (removed_at is not null and not is_in_sheet)
),

months as (
    select
        provider,
        month_start,
        cast(date_add(month_start, interval 1 month) as date) as next_month
    from pulled
    union distinct
    select
        provider,
        month_start,
        cast(date_add(month_start, interval 1 month) as date) as next_month
    from readings
    where removed_at is null
)

select
    months.provider,
    months.month_start,
    months.next_month,
    pulled.usage_usd,
    nullif(pulled.seats_usd, cast(0 as numeric)) as seats_usd,
    providers.known_through,
    providers.asked_on,
    readings.figure_id,
    readings.covers,
    readings.amount_usd as figure_usd,
    readings.period_start,
    readings.period_end,
    readings.source,
    readings.removed_at,
    readings.matched_at is not null as has_matched,
    coalesce(readings.since_usd, cast(0 as numeric)) as since_usd,
    coalesce(pulled.days_pulled, 0) as days_pulled_count,
    pulled.usage_usd + if(readings.covers = 'usage_and_seats', pulled.seats_usd, cast(0 as numeric)) as month_usd,
    coalesce(readings.usage_usd, cast(0 as numeric)) + if(
        readings.covers = 'usage_and_seats', coalesce(readings.seats_usd, cast(0 as numeric)), cast(0 as numeric)
    ) as period_usd,
    date_diff(months.next_month, months.month_start, day) = pulled.days_settled as is_settled,
    date_diff(readings.period_end, readings.period_start, day) = readings.days_settled as is_figure_settled,
    date_diff(readings.period_end, readings.period_start, day) >= thresholds.least_period_days
    and readings.period_end >= months.next_month as is_whole,
    if(
        readings.period_end is null,
        date_diff(
            least(months.next_month, date_add(providers.known_through, interval 1 day)), months.month_start, day
        ) - coalesce(pulled.days_pulled, 0),
        date_diff(readings.period_end, readings.period_start, day) - readings.days_pulled
    ) as days_missing,
    greatest(coalesce(pulled.days_blocked, 0), coalesce(readings.days_blocked, 0)) as days_blocked,
    coalesce(readings.blocked_usd, cast(0 as numeric)) as blocked_usd,
    pulled.first_blocked_on,
    cast(date_add(
        greatest(months.next_month, coalesce(readings.period_end, months.next_month)),
        interval providers.final_after_days - 1 day
    ) as date) as final_on,
    greatest(
        pulled.settled_at, readings.settled_at, coalesce(readings.matched_at, readings.first_seen_at)
    ) as settled_at
from months
cross join unnest([true, false]) as is_with_figure
cross join ai_usage_analytics.close_thresholds as thresholds
left join pulled on months.provider = pulled.provider and months.month_start = pulled.month_start
left join ai_usage_analytics.pulled_providers as providers on months.provider = providers.provider
left join readings
    on
        months.provider = readings.provider
        and months.month_start = readings.month_start
        and is_with_figure
