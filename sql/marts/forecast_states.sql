-- A month on the day of a forecast: the cost so far, the days left, and the cost that each method expects for them.
-- Days of the month that were never pulled, or are blocked, count as left. The month's actual total is included.
--
-- grain: one scope's month on the day of one forecast
-- step of: spend_forecast
-- built: whole
-- group: forecast
-- columns:
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   origin_date date not null: the last day that was known
--   month_start date not null: the first day of the month
--   spent_usd numeric not null: billed in the month up to the day
--   days_known_count integer not null: the days of the month that were known
--   days_left_count integer not null: days yet to come, or missing
--   seats_left_usd float not null: seats of the days left, as on the day; of the total and of providers with the
--     changes that the sheet's tab seats dates within the month: it does not have the team of a new seat
--   mean_left_usd float not null: usage of the days left, by weekday_mean
--   median_left_usd float not null: by weekday_median
--   ewma_left_usd float not null: by weekday_ewma
--   spread_usd float not null: as in forecast_weekdays
--   actual_usd numeric: the month's actual total; null while it lasts, or if one of its days is missing
with origins as (
    select
        scope,
        scope_name,
        first_date,
        month_start,
        seats_usd,
        spend_date as origin_date
    from ai_usage_analytics.forecast_history
    where is_origin
),

spreads as (
    select
        scope,
        scope_name,
        origin_date,
        max(spread_usd) as spread_usd
    from ai_usage_analytics.forecast_weekdays
    group by scope, scope_name, origin_date
),

month_starts as (
    select distinct month_start from origins
),

calendar as (
    select
        month_starts.month_start,
        month_day
    from month_starts
    cross join unnest(generate_date_array(month_starts.month_start, last_day(month_starts.month_start))) as month_day
),

month_days as (
    select
        calendar.month_start,
        calendar.month_day,
        if(holidays.holiday_date is null, extract(dayofweek from calendar.month_day), 1) as weekday
    from calendar
    left join ai_usage_analytics.dim_holiday as holidays on calendar.month_day = holidays.holiday_date
),

seat_providers as (
    select scope_name
    from origins
    where scope = 'provider'
    group by scope_name
    having sum(seats_usd) > 0
),

-- The sheet's seats of providers that bill seats, by day.
planned as (
    select
        if(covered = 'all', 'total', 'provider') as scope,
        covered as scope_name,
        month_days.month_day,
        sum(
            cast(seats.seat_price_usd * seats.seats as float64) / extract(day from last_day(month_days.month_day))
        ) as seats_usd
    from ai_usage_analytics.seats as seats
    inner join seat_providers on seats.provider = seat_providers.scope_name
    inner join month_days
        on
            (seats.valid_from is null or seats.valid_from <= month_days.month_day)
            and (seats.valid_to is null or seats.valid_to > month_days.month_day)
    cross join unnest(['all', seats.provider]) as covered
    group by covered, month_days.month_day
),

left_days as (
    select
        origins.scope,
        origins.scope_name,
        origins.origin_date,
        count(*) as days_left,
        countif(history.spend_date is null) as days_unknown,
        sum(history.spent_usd) as spent_later_usd,
        sum(coalesce(planned.seats_usd, 0)) as planned_usd,
        sum(weekdays.mean_usd) as mean_usd,
        sum(weekdays.median_usd) as median_usd,
        sum(weekdays.ewma_usd) as ewma_usd
    from origins
    inner join month_days on origins.month_start = month_days.month_start
    inner join ai_usage_analytics.forecast_weekdays as weekdays
        on
            origins.scope = weekdays.scope
            and origins.scope_name = weekdays.scope_name
            and origins.origin_date = weekdays.origin_date
            and month_days.weekday = weekdays.weekday
    left join ai_usage_analytics.forecast_history as history
        on
            origins.scope = history.scope
            and origins.scope_name = history.scope_name
            and month_days.month_day = history.spend_date
    left join planned
        on
            origins.scope = planned.scope
            and origins.scope_name = planned.scope_name
            and month_days.month_day = planned.month_day
    where
        month_days.month_day > origins.origin_date
        or (history.spend_date is null and month_days.month_day >= origins.first_date)
    group by origins.scope, origins.scope_name, origins.origin_date
),

so_far as (
    select
        origins.scope,
        origins.scope_name,
        origins.origin_date,
        origins.month_start,
        cast(origins.seats_usd as float64) as seats_usd,
        count(*) as days_known,
        sum(history.spent_usd) as spent_usd
    from origins
    inner join ai_usage_analytics.forecast_history as history
        on
            origins.scope = history.scope
            and origins.scope_name = history.scope_name
            and origins.month_start = history.month_start
            and origins.origin_date >= history.spend_date
    group by
        origins.scope, origins.scope_name, origins.origin_date, origins.month_start, origins.seats_usd
)

select
    so_far.scope,
    so_far.scope_name,
    so_far.origin_date,
    so_far.month_start,
    so_far.spent_usd,
    so_far.days_known as days_known_count,
    coalesce(left_days.days_left, 0) as days_left_count,
    -- Seats of the sheet that are not billed on the day are not expected to be billed later.
    so_far.seats_usd * coalesce(left_days.days_left, 0) + if(
        so_far.seats_usd + 0.01 >= coalesce(planned.seats_usd, 0),
        coalesce(left_days.planned_usd, 0) - coalesce(planned.seats_usd, 0) * coalesce(left_days.days_left, 0), 0
    ) as seats_left_usd,
    -- Rounded: floats add up to another last digit in another order, which no engine promises.
    round(coalesce(left_days.mean_usd, 0), 6) as mean_left_usd,
    round(coalesce(left_days.median_usd, 0), 6) as median_left_usd,
    round(coalesce(left_days.ewma_usd, 0), 6) as ewma_left_usd,
    spreads.spread_usd,
    if(
        coalesce(left_days.days_unknown, 0) = 0,
        so_far.spent_usd + coalesce(left_days.spent_later_usd, cast(0 as numeric)), null
    ) as actual_usd
from so_far
inner join spreads
    on
        so_far.scope = spreads.scope
        and so_far.scope_name = spreads.scope_name
        and so_far.origin_date = spreads.origin_date
left join planned
    on
        so_far.scope = planned.scope
        and so_far.scope_name = planned.scope_name
        and so_far.origin_date = planned.month_day
left join left_days
    on
        so_far.scope = left_days.scope
        and so_far.scope_name = left_days.scope_name
        and so_far.origin_date = left_days.origin_date
