-- The difference between a provider's cost lines and the figure that its month is compared with, split by cause: each
-- cause takes what the ones before it leave. Of several figures, the one that makes the month ready is chosen, else one
-- in the sheet that matches, usage before usage and seats. A month is ready when a figure covers it to its end, nothing
-- is missing, blocked or unexplained, and all days of both are final (settled_days).
--
-- grain: one calendar month of one provider
-- step of: month_close
-- built: whole
-- group: close
-- columns:
--   provider string not null: as in month_figures, as are the next ones
--   month_start date not null: the first day of the month
--   next_month date not null: the first day of the month after it
--   usage_usd numeric: usage over the month's known days
--   seats_usd numeric: seats over them
--   known_through date: the provider's last day that was pulled
--   asked_on date: the last day on which its bill was asked for
--   covers string: usage or usage_and_seats; null without a figure
--   figure_usd numeric: as the console or invoice shows it
--   period_start date: the figure's first day
--   period_end date: exclusive
--   source string: where it was read
--   removed_at instant: when it was first missing in the sheet
--   days_pulled_count integer not null: the month's days that were pulled
--   is_whole boolean: whether the figure covers the month to its end
--   days_missing integer: days never pulled
--   days_blocked integer not null: blocked days of the month, or of the figure's period if it has more
--   first_blocked_on date: the month's first blocked day
--   final_on date: the first day on which a pull makes all days final
--   settled_at instant: when the last condition for closing was met, if it is ready
--   difference_usd numeric: the month's cost minus the figure; null without one, as are the next three
--   outside_usd numeric: the part of days that are in the month or in the figure's period, not in both
--   restated_usd numeric: the part of restatements since the figure matched, or since the sheet has it
--   rest_usd numeric: what these two leave
--   cause string: of the rest: rounding, missing (days), blocked (days) or unexplained
--   is_final boolean not null: whether all days of the month and its figure are final, known and not blocked, and the
--     figure covers the month
--   is_ready boolean not null: whether the month can be closed, as far as its figure goes
with explained as (
    select
        figures.*,
        thresholds.rounding_usd,
        thresholds.match_usd,
        thresholds.match_ratio,
        figures.month_usd - figures.figure_usd as difference_usd,
        figures.period_usd - figures.figure_usd as left_usd,
        case
            when figures.month_usd - figures.figure_usd is null then null
            when
                figures.has_matched
                or (
                    abs(figures.period_usd - figures.figure_usd) > thresholds.rounding_usd
                    and abs(figures.period_usd - figures.figure_usd - figures.since_usd)
                    < abs(figures.period_usd - figures.figure_usd)
                )
                then figures.since_usd
            else cast(0 as numeric)
        end as restated_usd
    from ai_usage_analytics.month_figures as figures
    cross join ai_usage_analytics.close_thresholds as thresholds
),

remaining as (
    select
        *,
        left_usd - restated_usd as rest_usd,
        case
            when difference_usd is null then null
            when abs(left_usd - restated_usd) <= rounding_usd then 'rounding'
            when days_missing > 0 and left_usd < restated_usd then 'missing'
            when days_blocked > 0 and (left_usd < restated_usd or blocked_usd > 0) then 'blocked'
            else 'unexplained'
        end as cause
    from explained
),

decided as (
    select
        *,
        coalesce(is_settled and is_figure_settled and is_whole and days_blocked = 0, false) as is_final,
        coalesce(is_settled and is_figure_settled and is_whole and days_blocked = 0 and cause = 'rounding', false)
        and (removed_at is null or settled_at < removed_at) as is_ready
    from remaining
),

chosen as (
    select *
    from decided
    where
        removed_at is null
        or is_ready
    qualify row_number() over (
        partition by provider, month_start
        order by
            if(is_ready, if(removed_at is null, 0, 1), if(figure_id is null, 3, 2)) asc,
            if(
                abs(rest_usd) <= greatest(match_usd, cast(abs(figure_usd) * match_ratio as numeric)), 0, 1
            ) asc,
            if(coalesce(covers, 'usage') = 'usage', 0, 1) asc,
            removed_at desc,
            figure_id asc
    ) = 1
)

select
    provider,
    month_start,
    next_month,
    usage_usd,
    seats_usd,
    known_through,
    asked_on,
    covers,
    figure_usd,
    period_start,
    period_end,
    source,
    removed_at,
    days_pulled_count,
    is_whole,
    days_missing,
    days_blocked,
    first_blocked_on,
    final_on,
    settled_at,
    difference_usd,
    if(difference_usd is null, null, month_usd - period_usd) as outside_usd,
    restated_usd,
    rest_usd,
    cause,
    is_final,
    is_ready
from chosen
