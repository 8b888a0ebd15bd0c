-- The possible readings of a figure of the sheet, and the sum of the provider's days over its period. A console's
-- figure covers usage; an invoice's may cover usage and seats: if its column `covers` is empty, it is read both ways.
-- Figures that were removed from the sheet are included: a month that one of them closed stays closed.
--
-- grain: one reading of one figure of a whole provider
-- step of: month_close
-- built: view
-- group: close
-- columns:
--   provider string not null: as in the figure
--   figure_id integer not null: numbers the readings of a provider
--   month_start date not null: the first day of the month in which the period begins
--   period_start date not null: the figure's first day
--   period_end date not null: exclusive
--   amount_usd numeric not null: as the console or invoice shows it
--   source string: where it was read
--   covers string not null: usage or usage_and_seats
--   row_in_sheet integer not null: row of the tab console_figures
--   first_seen_at instant not null: the first pull of the tab that has it
--   removed_at instant: the first pull of the tab without it; null while it is in the sheet
--   usage_usd numeric: usage over the known days of its period; null if there are none
--   seats_usd numeric: seats, likewise
--   days_pulled integer not null: days of its period that were pulled
--   days_settled integer not null: those of them that are final
--   days_blocked integer not null: those of them that are blocked
--   blocked_usd numeric not null: usage that the last good versions have of these
--   settled_at instant: when the last of them became final
--   matched_at instant: when the cost lines first matched the figure; null if they never did
--   since_usd numeric: restatements since then, or since the sheet has the figure; null without a version
with figures as (
    select
        provider,
        period_start,
        period_end,
        amount_usd,
        source,
        covers,
        first_seen_at,
        removed_at,
        row_in_sheet
    from ai_usage_analytics.provider_figures
),

periods as (
    select distinct
        provider,
        period_start,
        period_end
    from figures
),

sums as (
    select
        periods.provider,
        periods.period_start,
        periods.period_end,
        sum(days.usage_usd) as usage_usd,
        sum(days.seats_usd) as seats_usd,
        count(*) as days_pulled,
        count(days.settled_at) as days_settled,
        countif(days.is_blocked) as days_blocked,
        sum(if(days.is_blocked, days.usage_usd, cast(0 as numeric))) as blocked_usd,
        max(days.settled_at) as settled_at
    from periods
    inner join ai_usage_analytics.provider_days as days
        on
            periods.provider = days.provider
            and periods.period_start <= days.activity_date
            and periods.period_end > days.activity_date
    group by periods.provider, periods.period_start, periods.period_end
),

readings as (
    select
        figures.provider,
        figures.period_start,
        figures.period_end,
        figures.amount_usd,
        figures.source,
        reading as covers,
        figures.first_seen_at,
        figures.removed_at,
        figures.row_in_sheet,
        sums.usage_usd,
        sums.seats_usd,
        sums.settled_at,
        coalesce(sums.days_pulled, 0) as days_pulled,
        coalesce(sums.days_settled, 0) as days_settled,
        coalesce(sums.days_blocked, 0) as days_blocked,
        coalesce(sums.blocked_usd, cast(0 as numeric)) as blocked_usd,
        -- What usage must be, if the figure is right.
        figures.amount_usd - if(reading = 'usage', cast(0 as numeric), coalesce(sums.seats_usd, cast(0 as numeric)))
            as target_usd,
        row_number() over (
            partition by figures.provider
            order by
                figures.period_start asc, figures.period_end asc, figures.row_in_sheet asc, figures.first_seen_at asc,
                figures.amount_usd asc, reading asc
        ) as figure_id
    from figures
    cross join unnest(['usage', 'usage_and_seats']) as reading
    left join sums
        on
            figures.provider = sums.provider
            and figures.period_start = sums.period_start
            and figures.period_end = sums.period_end
    where
        figures.covers = reading
        or (figures.covers is null and (reading = 'usage' or coalesce(sums.seats_usd, cast(0 as numeric)) != 0))
),

-- The sum of the cost lines in a figure's period, since the figure was first seen.
steps as (
    select
        readings.provider,
        readings.figure_id,
        readings.target_usd,
        greatest(changes.known_from, readings.first_seen_at) as known_from,
        sum(changes.change_usd) as change_usd,
        sum(
            if(changes.is_restatement and changes.known_from > readings.first_seen_at, changes.change_usd, 0)
        ) as restated_usd
    from readings
    inner join ai_usage_analytics.spend_changes as changes
        on
            readings.provider = changes.provider
            and readings.period_start <= changes.activity_date
            and readings.period_end > changes.activity_date
    group by
        readings.provider, readings.figure_id, readings.target_usd,
        greatest(changes.known_from, readings.first_seen_at)
),

heights as (
    select
        provider,
        figure_id,
        target_usd,
        known_from,
        restated_usd,
        sum(change_usd) over (partition by provider, figure_id order by known_from) as usd,
        sum(change_usd) over (partition by provider, figure_id) as newest_usd
    from steps
),

matches as (
    select
        heights.provider,
        heights.figure_id,
        min(if(abs(heights.usd - heights.target_usd) <= thresholds.rounding_usd, heights.known_from, null))
            as matched_at,
        sum(heights.restated_usd) as restated_usd
    from heights
    cross join ai_usage_analytics.close_thresholds as thresholds
    group by heights.provider, heights.figure_id
)

select
    readings.provider,
    readings.figure_id,
    cast(date_trunc(readings.period_start, month) as date) as month_start,
    readings.period_start,
    readings.period_end,
    readings.amount_usd,
    readings.source,
    readings.covers,
    readings.row_in_sheet,
    readings.first_seen_at,
    readings.removed_at,
    readings.usage_usd,
    readings.seats_usd,
    readings.days_pulled,
    readings.days_settled,
    readings.days_blocked,
    readings.blocked_usd,
    readings.settled_at,
    matches.matched_at,
    if(matches.matched_at is null, matches.restated_usd, heights.newest_usd - heights.usd) as since_usd
from readings
left join matches on readings.provider = matches.provider and readings.figure_id = matches.figure_id
left join heights
    on
        matches.provider = heights.provider
        and matches.figure_id = heights.figure_id
        and matches.matched_at = heights.known_from
