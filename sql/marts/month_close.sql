-- Can the month be closed: what the vendor's lines come to, what its console or invoice says, and what the difference
-- is made of. Each cause takes what is left by those before it, so that all of them add up to the difference, to the
-- last digit. What nothing explains is `unexplained_usd`.
-- A month is closed when a figure covers it to its end, nothing is missing or unexplained, and the vendor was asked
-- again after each day had settled (settled_days). It stays closed if it is restated later, and says so.
--
-- grain: one calendar month of one provider
-- built: whole
-- columns:
--   month string not null: YYYY-MM, as in budgets
--   provider string not null: anthropic, cursor, or whom a figure names
--   status string not null: open or closed
--   vendor_usd numeric: usage as the vendor's lines have it, of the calendar month's days that are here; Claude's
--     Console, and what Cursor charged on demand; null if no day of it was ever pulled
--   seats_usd numeric: seats over the days that are here, beside: never in vendor_usd; null while no price is known
--   figure_usd numeric: what the console or invoice shows for the whole organisation: the figure of just this month,
--     else the longest one that begins in it; null without one
--   figure_from date: its first day
--   figure_to date: exclusive
--   figure_source string: where it was read
--   difference_usd numeric: vendor_usd less figure_usd; null, as are its causes, where one of the two is
--   days_outside_figure_usd numeric: of days of the month outside the figure's period, less those of its days outside
--     the month: cycles from the 3rd to the 3rd, months to date
--   restated_since_figure_usd numeric: what the vendor restated since its lines came to the figure, or since the sheet
--     has it if they never did and that brings the two nearer
--   missing_days_usd numeric: what is left to the figure's favour while days of its period were never pulled
--   rounding_usd numeric: what is left, if it is within half a cent
--   unexplained_usd numeric: what is left
--   days_missing integer: days never pulled: of the figure's period, days to come included; without a figure, of the
--     month so far
--   closed_at instant: when the last of what closes a month came about; null while it is open
--   restated_since_close_usd numeric: what the vendor restated since then; null while it is open
--   is_restated_since_close boolean not null: whether it did restate a day
with billed as (
    select
        'anthropic' as provider,
        expense_date as activity_date,
        sum(cost_usd) as usd
    from ai_usage_analytics.claude_total_expenses
    group by expense_date
    union all
    select
        'cursor' as provider,
        expense_date as activity_date,
        sum(billed_usd) as usd
    from ai_usage_analytics.cursor_expenses
    where cost_type != 'subscription'
    group by expense_date
),

days as (
    select
        settled_days.provider,
        settled_days.activity_date,
        settled_days.settled_at,
        date_trunc(settled_days.activity_date, month) as first_day,
        coalesce(billed.usd, cast(0 as numeric)) as usd
    from ai_usage_analytics.settled_days as settled_days
    left join billed
        on
            settled_days.provider = billed.provider
            and settled_days.activity_date = billed.activity_date
),

seats as (
    select
        provider,
        month_start as first_day,
        sum(billed_usd) as seats_usd
    from ai_usage_analytics.spend_by_meter
    where charge_type = 'subscription'
    group by provider, month_start
),

all_figures as (
    select
        provider,
        period_start,
        period_end,
        amount_usd,
        source,
        first_seen_at,
        row_number as row_in_sheet,
        date_trunc(period_start, month) as first_day,
        date_add(date_trunc(period_start, month), interval 1 month) as next_month
    from ai_usage_analytics.console_figures
    where workspace_id is null
),

figures as (
    select
        provider,
        period_start,
        period_end,
        amount_usd,
        source,
        first_seen_at,
        first_day
    from all_figures
    where period_end > period_start
    qualify row_number() over (
        partition by provider, first_day
        order by
            if(period_start = first_day and period_end = next_month, 0, 1) asc,
            date_diff(period_end, period_start, day) desc,
            period_start asc,
            row_in_sheet asc
    ) = 1
),

months as (
    select
        provider,
        first_day
    from days
    union distinct
    select
        provider,
        first_day
    from figures
),

of_month as (
    select
        provider,
        first_day,
        sum(usd) as usd,
        count(*) as days_pulled,
        count(settled_at) as days_settled,
        max(settled_at) as settled_at
    from days
    group by provider, first_day
),

last_days as (
    select
        provider,
        max(activity_date) as activity_date
    from days
    group by provider
),

of_figure as (
    select
        figures.provider,
        figures.first_day,
        sum(days.usd) as usd,
        count(*) as days_pulled,
        count(days.settled_at) as days_settled,
        max(days.settled_at) as settled_at
    from figures
    inner join days
        on
            figures.provider = days.provider
            and figures.period_start <= days.activity_date
            and figures.period_end > days.activity_date
    group by figures.provider, figures.first_day
),

-- By how much each version changed its day: the first one from nothing.
changes as (
    select
        provider,
        activity_date,
        known_from,
        billed_usd - coalesce(lag(billed_usd) over version, cast(0 as numeric)) as change_usd,
        row_number() over version > 1 as is_restatement
    from ai_usage_analytics.spend_versions
    window version as (partition by provider, activity_date order by known_from asc, pull_id asc)
),

-- What the lines of a figure's period came to, from when it was first seen on.
steps as (
    select
        figures.provider,
        figures.first_day,
        figures.amount_usd,
        greatest(changes.known_from, figures.first_seen_at) as known_from,
        sum(changes.change_usd) as change_usd,
        sum(
            if(changes.is_restatement and changes.known_from > figures.first_seen_at, changes.change_usd, 0)
        ) as restated_usd
    from figures
    inner join changes
        on
            figures.provider = changes.provider
            and figures.period_start <= changes.activity_date
            and figures.period_end > changes.activity_date
    group by
        figures.provider, figures.first_day, figures.amount_usd, greatest(changes.known_from, figures.first_seen_at)
),

heights as (
    select
        provider,
        first_day,
        amount_usd,
        known_from,
        restated_usd,
        sum(change_usd) over (partition by provider, first_day order by known_from) as usd,
        sum(change_usd) over (partition by provider, first_day) as newest_usd
    from steps
),

matches as (
    select
        provider,
        first_day,
        min(if(abs(usd - amount_usd) <= cast('0.005' as numeric), known_from, null)) as matched_at,
        sum(restated_usd) as restated_usd
    from heights
    group by provider, first_day
),

since_figure as (
    select
        matches.provider,
        matches.first_day,
        matches.matched_at,
        if(matches.matched_at is null, matches.restated_usd, heights.newest_usd - heights.usd) as since_usd
    from matches
    left join heights
        on
            matches.provider = heights.provider
            and matches.first_day = heights.first_day
            and matches.matched_at = heights.known_from
),

compared as (
    select
        months.provider,
        months.first_day,
        of_month.usd as vendor_usd,
        seats.seats_usd,
        figures.amount_usd as figure_usd,
        figures.period_start as figure_from,
        figures.period_end as figure_to,
        figures.source as figure_source,
        coalesce(of_month.days_pulled, 0) as days_pulled,
        of_month.usd - figures.amount_usd as difference_usd,
        of_month.usd - coalesce(of_figure.usd, cast(0 as numeric)) as outside_usd,
        coalesce(of_figure.usd, cast(0 as numeric)) - figures.amount_usd as left_usd,
        coalesce(since_figure.since_usd, cast(0 as numeric)) as since_usd,
        since_figure.matched_at is not null as has_matched,
        date_diff(date_add(months.first_day, interval 1 month), months.first_day, day)
        = of_month.days_settled as is_settled,
        date_diff(figures.period_end, figures.period_start, day) = of_figure.days_settled
        and date_diff(figures.period_end, figures.period_start, day) >= 28
        and figures.period_end >= date_add(months.first_day, interval 1 month) as is_figure_settled,
        if(
            figures.period_end is null,
            date_diff(
                least(date_add(months.first_day, interval 1 month), date_add(last_days.activity_date, interval 1 day)),
                months.first_day, day
            ) - coalesce(of_month.days_pulled, 0),
            date_diff(figures.period_end, figures.period_start, day) - coalesce(of_figure.days_pulled, 0)
        ) as days_missing,
        greatest(
            of_month.settled_at, of_figure.settled_at, coalesce(since_figure.matched_at, figures.first_seen_at)
        ) as settled_at
    from months
    left join of_month on months.provider = of_month.provider and months.first_day = of_month.first_day
    left join seats on months.provider = seats.provider and months.first_day = seats.first_day
    left join figures on months.provider = figures.provider and months.first_day = figures.first_day
    left join of_figure on months.provider = of_figure.provider and months.first_day = of_figure.first_day
    left join since_figure on months.provider = since_figure.provider and months.first_day = since_figure.first_day
    left join last_days on months.provider = last_days.provider
),

explained as (
    select
        compared.*,
        case
            when difference_usd is null then null
            when
                has_matched
                or (abs(left_usd) > cast('0.005' as numeric) and abs(left_usd - since_usd) < abs(left_usd))
                then since_usd
            else cast(0 as numeric)
        end as restated_usd
    from compared
),

remaining as (
    select
        explained.*,
        left_usd - restated_usd as rest_usd,
        case
            when difference_usd is null then null
            when abs(left_usd - restated_usd) <= cast('0.005' as numeric) then 'rounding'
            when days_missing > 0 and left_usd < restated_usd then 'missing'
            else 'unexplained'
        end as cause
    from explained
),

judged as (
    select
        remaining.*,
        coalesce(is_settled and is_figure_settled and cause = 'rounding', false) as is_closed
    from remaining
),

since_close as (
    select
        judged.provider,
        judged.first_day,
        sum(changes.change_usd) as change_usd,
        logical_or(changes.change_usd != 0) as is_restated
    from judged
    inner join changes
        on
            judged.provider = changes.provider
            and judged.first_day = date_trunc(changes.activity_date, month)
            and judged.settled_at < changes.known_from
    where judged.is_closed
    group by judged.provider, judged.first_day
)

select
    format_date('%Y-%m', judged.first_day) as month,
    judged.provider,
    if(judged.is_closed, 'closed', 'open') as status,
    judged.vendor_usd,
    judged.seats_usd,
    judged.figure_usd,
    judged.figure_from,
    judged.figure_to,
    judged.figure_source,
    judged.difference_usd,
    if(judged.difference_usd is null, null, judged.outside_usd) as days_outside_figure_usd,
    judged.restated_usd as restated_since_figure_usd,
    if(judged.cause = 'missing', judged.rest_usd, judged.rest_usd - judged.rest_usd) as missing_days_usd,
    if(judged.cause = 'rounding', judged.rest_usd, judged.rest_usd - judged.rest_usd) as rounding_usd,
    if(judged.cause = 'unexplained', judged.rest_usd, judged.rest_usd - judged.rest_usd) as unexplained_usd,
    judged.days_missing,
    if(judged.is_closed, judged.settled_at, null) as closed_at,
    if(judged.is_closed, coalesce(since_close.change_usd, cast(0 as numeric)), null) as restated_since_close_usd,
    coalesce(since_close.is_restated, false) as is_restated_since_close
from judged
left join since_close on judged.provider = since_close.provider and judged.first_day = since_close.first_day
