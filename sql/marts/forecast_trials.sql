-- Each method's forecast of each month's total, made on every third day and on the last known day, and the month's
-- actual total. Past months are the back-test; the last day's row of `chosen` is the forecast. A row uses only what was
-- known on its day: the best method and the intervals come from months that were over before.
--
-- Seats continue as on the day. Usage of the days left is forecast by weekday: the mean of the last four weeks
-- (weekday_mean), the median of the last eight (weekday_median), or the mean of eight in which each week weighs 0.7 of
-- the week after it (weekday_ewma). naive_run_rate extends the month so far, seats included, at the same pace. The
-- interval: the 10 % and 90 % quantiles of earlier months' errors, relative to the usage forecast, with as many days
-- left: of the scope if there are ten, else of all scopes of its kind, else from how much days vary.
--
-- grain: one method's forecast of one month of one scope, made on one day
-- built: whole
-- group: forecast
-- columns:
--   month string not null: YYYY-MM
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   origin_date date not null: the last day that was known when it was made
--   days_left integer not null: days of the month yet to come, or missing
--   method string not null: naive_run_rate, weekday_mean, weekday_median, weekday_ewma, or chosen
--   based_on string not null: the method itself; for chosen the best one in the scope's earlier months, or weekday_mean
--     if none is better by a tenth or there are fewer than eight forecasts to compare
--   spent_usd numeric not null: billed in the month up to the day
--   forecast_usd numeric not null: the month's total
--   low_usd numeric: one month in ten should end below
--   high_usd numeric: one month in ten should end above
--   interval_basis string: scope, kind, or spread of days
--   actual_usd numeric: the month's actual total; null while it lasts, or if one of its days is missing
with calendar_days as (
    select
        scope,
        scope_name,
        spend_date
    from ai_usage_analytics.spend_by_scope
    where
        scope in ('total', 'provider')
        and is_complete
),

scopes as (
    select
        scope,
        scope_name,
        if(scope = 'provider', scope, 'total') as calendar_scope,
        if(scope = 'provider', scope_name, 'all') as calendar_name,
        min(spend_date) as first_date
    from ai_usage_analytics.spend_by_scope
    group by scope, scope_name, calendar_scope, calendar_name
),

-- A team or cost center without spend on a known day spent $0.
history as (
    select
        scopes.scope,
        scopes.scope_name,
        calendar_days.spend_date,
        scopes.first_date,
        cast(date_trunc(calendar_days.spend_date, month) as date) as month_start,
        extract(dayofweek from calendar_days.spend_date) as weekday,
        coalesce(spent.spent_usd, cast(0 as numeric)) as spent_usd,
        cast(coalesce(spent.usage_usd, cast(0 as numeric)) as float64) as usage_usd,
        cast(coalesce(spent.seats_usd, cast(0 as numeric)) as float64) as seats_usd,
        row_number() over (
            partition by scopes.scope, scopes.scope_name order by calendar_days.spend_date
        ) as days_known,
        row_number() over (
            partition by scopes.scope, scopes.scope_name order by calendar_days.spend_date desc
        ) as days_from_last
    from scopes
    inner join calendar_days
        on
            scopes.calendar_scope = calendar_days.scope
            and scopes.calendar_name = calendar_days.scope_name
            and scopes.first_date <= calendar_days.spend_date
    left join ai_usage_analytics.spend_by_scope as spent
        on
            scopes.scope = spent.scope
            and scopes.scope_name = spent.scope_name
            and calendar_days.spend_date = spent.spend_date
),

origins as (
    select
        scope,
        scope_name,
        first_date,
        month_start,
        seats_usd,
        spend_date as origin_date
    from history
    where
        days_known >= 14
        and (mod(extract(day from spend_date), 3) = 0 or days_from_last = 1)
),

-- Past: each weekday of the last eight weeks, as seen from each origin.
seen as (
    select
        origins.scope,
        origins.scope_name,
        origins.origin_date,
        history.weekday,
        history.usage_usd,
        date_diff(origins.origin_date, history.spend_date, day) as days_ago,
        pow(0.7, div(date_diff(origins.origin_date, history.spend_date, day), 7)) as weight
    from origins
    inner join history
        on
            origins.scope = history.scope
            and origins.scope_name = history.scope_name
            and origins.origin_date >= history.spend_date
            and history.spend_date > date_sub(origins.origin_date, interval 56 day)
),

of_weekday as (
    select
        scope,
        scope_name,
        origin_date,
        weekday,
        count(*) as days,
        array_agg(usage_usd order by usage_usd) as usages,
        avg(if(days_ago < 28, usage_usd, null)) as mean_usd,
        sum(weight * usage_usd) / sum(weight) as ewma_usd
    from seen
    group by scope, scope_name, origin_date, weekday
),

weekdays as (
    select
        scope,
        scope_name,
        origin_date,
        weekday,
        mean_usd,
        ewma_usd,
        (usages[ordinal(div(days + 1, 2))] + usages[ordinal(div(days, 2) + 1)]) / 2 as median_usd
    from of_weekday
),

-- For a weekday that is missing in the last weeks, and for the variance of days about their weekday.
spreads as (
    select
        seen.scope,
        seen.scope_name,
        seen.origin_date,
        avg(seen.usage_usd) as mean_usd,
        sqrt(avg(
            (seen.usage_usd - coalesce(weekdays.mean_usd, weekdays.median_usd))
            * (seen.usage_usd - coalesce(weekdays.mean_usd, weekdays.median_usd))
        )) as spread_usd
    from seen
    inner join weekdays
        on
            seen.scope = weekdays.scope
            and seen.scope_name = weekdays.scope_name
            and seen.origin_date = weekdays.origin_date
            and seen.weekday = weekdays.weekday
    group by seen.scope, seen.scope_name, seen.origin_date
),

-- The month: what was spent by then, and which days are open.
month_starts as (
    select distinct month_start from origins
),

month_days as (
    select
        month_starts.month_start,
        month_day,
        extract(dayofweek from month_day) as weekday
    from month_starts
    cross join unnest(generate_date_array(month_starts.month_start, last_day(month_starts.month_start))) as month_day
),

open_days as (
    select
        origins.scope,
        origins.scope_name,
        origins.origin_date,
        count(*) as days_left,
        countif(history.spend_date is null) as days_unknown,
        sum(history.spent_usd) as spent_later_usd,
        sum(coalesce(weekdays.mean_usd, spreads.mean_usd)) as mean_usd,
        sum(coalesce(weekdays.median_usd, spreads.mean_usd)) as median_usd,
        sum(coalesce(weekdays.ewma_usd, spreads.mean_usd)) as ewma_usd
    from origins
    inner join month_days on origins.month_start = month_days.month_start
    inner join spreads
        on
            origins.scope = spreads.scope
            and origins.scope_name = spreads.scope_name
            and origins.origin_date = spreads.origin_date
    left join history
        on
            origins.scope = history.scope
            and origins.scope_name = history.scope_name
            and month_days.month_day = history.spend_date
    left join weekdays
        on
            origins.scope = weekdays.scope
            and origins.scope_name = weekdays.scope_name
            and origins.origin_date = weekdays.origin_date
            and month_days.weekday = weekdays.weekday
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
        origins.seats_usd,
        count(*) as days_known,
        sum(history.spent_usd) as spent_usd
    from origins
    inner join history
        on
            origins.scope = history.scope
            and origins.scope_name = history.scope_name
            and origins.month_start = history.month_start
            and origins.origin_date >= history.spend_date
    group by
        origins.scope, origins.scope_name, origins.origin_date, origins.month_start, origins.seats_usd
),

states as (
    select
        so_far.scope,
        so_far.scope_name,
        so_far.origin_date,
        so_far.month_start,
        so_far.spent_usd,
        so_far.days_known,
        spreads.spread_usd,
        coalesce(open_days.days_left, 0) as days_left,
        so_far.seats_usd * coalesce(open_days.days_left, 0) as seats_later_usd,
        if(
            coalesce(open_days.days_unknown, 0) = 0,
            so_far.spent_usd + coalesce(open_days.spent_later_usd, cast(0 as numeric)), null
        ) as actual_usd,
        coalesce(open_days.mean_usd, 0) as mean_usd,
        coalesce(open_days.median_usd, 0) as median_usd,
        coalesce(open_days.ewma_usd, 0) as ewma_usd
    from so_far
    inner join spreads
        on
            so_far.scope = spreads.scope
            and so_far.scope_name = spreads.scope_name
            and so_far.origin_date = spreads.origin_date
    left join open_days
        on
            so_far.scope = open_days.scope
            and so_far.scope_name = open_days.scope_name
            and so_far.origin_date = open_days.origin_date
),

-- `fixed_usd` is certain, `open_usd` is what the method forecasts.
guesses as (
    select
        states.scope,
        states.scope_name,
        states.origin_date,
        states.month_start,
        states.spent_usd,
        states.days_left,
        states.spread_usd,
        states.actual_usd,
        method,
        case
            when states.days_left = 0 then 'over'
            when states.days_left <= 7 then '1-7'
            when states.days_left <= 14 then '8-14'
            when states.days_left <= 21 then '15-21'
            else '22+'
        end as horizon,
        if(method = 'naive_run_rate', 0, states.seats_later_usd) as fixed_usd,
        case method
            when 'naive_run_rate'
                then cast(states.spent_usd as float64) / states.days_known * states.days_left
            when 'weekday_mean' then states.mean_usd
            when 'weekday_median' then states.median_usd
            else states.ewma_usd
        end as open_usd
    from states
    cross join unnest(['naive_run_rate', 'weekday_mean', 'weekday_median', 'weekday_ewma']) as method
),

measured as (
    select
        scope,
        scope_name,
        month_start,
        method,
        horizon,
        safe_divide(cast(actual_usd as float64) - cast(spent_usd as float64) - fixed_usd, open_usd) - 1 as open_error,
        safe_divide(
            abs(cast(actual_usd as float64) - cast(spent_usd as float64) - fixed_usd - open_usd),
            cast(actual_usd as float64)
        ) as month_error
    from guesses
    where
        actual_usd >= 1
        and days_left > 0
        and open_usd > 0
),

months as (
    select distinct
        scope,
        scope_name,
        month_start
    from guesses
),

kinds as (
    select distinct
        scope,
        month_start
    from months
),

-- What was known about the methods before a month began: their errors in the scope, and in all scopes of its kind.
earlier as (
    select
        'scope' as basis,
        months.scope,
        months.scope_name,
        months.month_start,
        measured.method,
        measured.horizon,
        count(*) - 1 as steps,
        array_agg(measured.open_error order by measured.open_error) as errors
    from months
    inner join measured
        on
            months.scope = measured.scope
            and months.scope_name = measured.scope_name
            and months.month_start > measured.month_start
    group by months.scope, months.scope_name, months.month_start, measured.method, measured.horizon
    having count(*) >= 10
    union all
    select
        'kind' as basis,
        kinds.scope,
        cast(null as string) as scope_name,
        kinds.month_start,
        measured.method,
        measured.horizon,
        count(*) - 1 as steps,
        array_agg(measured.open_error order by measured.open_error) as errors
    from kinds
    inner join measured on kinds.scope = measured.scope and kinds.month_start > measured.month_start
    group by kinds.scope, kinds.month_start, measured.method, measured.horizon
    having count(*) >= 10
),

-- The 10 % and 90 % quantiles of the errors.
ratios as (
    select
        basis,
        scope,
        scope_name,
        month_start,
        method,
        horizon,
        errors[ordinal(div(steps, 10) + 1)] * (1 - mod(steps, 10) / 10)
        + errors[ordinal(div(steps, 10) + 2)] * mod(steps, 10) / 10 as low_ratio,
        errors[ordinal(div(9 * steps, 10) + 1)] * (1 - mod(9 * steps, 10) / 10)
        + errors[ordinal(div(9 * steps, 10) + 2)] * mod(9 * steps, 10) / 10 as high_ratio
    from earlier
),

records as (
    select
        months.scope,
        months.scope_name,
        months.month_start,
        measured.method,
        avg(measured.month_error) as mape
    from months
    inner join measured
        on
            months.scope = measured.scope
            and months.scope_name = measured.scope_name
            and months.month_start > measured.month_start
    where measured.method != 'naive_run_rate'
    group by months.scope, months.scope_name, months.month_start, measured.method
    having count(*) >= 8
),

best as (
    select
        scope,
        scope_name,
        month_start,
        method
    from records
    qualify row_number() over (
        partition by scope, scope_name, month_start
        order by round(mape * if(method = 'weekday_mean', 0.9, 1.0), 9), method
    ) = 1
),

bounded as (
    select
        guesses.scope,
        guesses.scope_name,
        guesses.month_start,
        guesses.origin_date,
        guesses.days_left,
        guesses.method,
        guesses.spent_usd,
        guesses.actual_usd,
        cast(guesses.spent_usd as float64) + guesses.fixed_usd as sure_usd,
        guesses.open_usd,
        case
            when of_scope.low_ratio is not null then 'scope'
            when of_kind.low_ratio is not null then 'kind'
            else 'spread of days'
        end as interval_basis,
        guesses.open_usd * coalesce(of_scope.low_ratio, of_kind.low_ratio) as low_usd,
        guesses.open_usd * coalesce(of_scope.high_ratio, of_kind.high_ratio) as high_usd,
        -- 80 % of a normal spread: of days, of the mean of four weeks, and of a level that moves by 15 % a month
        1.2816 * sqrt(
            guesses.spread_usd * guesses.spread_usd * guesses.days_left * (1 + guesses.days_left / 28)
            + 0.0225 * guesses.open_usd * guesses.open_usd
        ) as varies_usd
    from guesses
    left join ratios as of_scope
        on
            of_scope.basis = 'scope'
            and guesses.scope = of_scope.scope
            and guesses.scope_name = of_scope.scope_name
            and guesses.month_start = of_scope.month_start
            and guesses.method = of_scope.method
            and guesses.horizon = of_scope.horizon
    left join ratios as of_kind
        on
            of_kind.basis = 'kind'
            and guesses.scope = of_kind.scope
            and guesses.month_start = of_kind.month_start
            and guesses.method = of_kind.method
            and guesses.horizon = of_kind.horizon
),

forecasts as (
    select
        bounded.*,
        bounded.method as stands_as
    from bounded
    union all
    select
        bounded.*,
        'chosen' as stands_as
    from bounded
    left join best
        on
            bounded.scope = best.scope
            and bounded.scope_name = best.scope_name
            and bounded.month_start = best.month_start
    where bounded.method = coalesce(best.method, 'weekday_mean')
)

select
    format_date('%Y-%m', month_start) as month,
    scope,
    scope_name,
    origin_date,
    days_left,
    stands_as as method,
    method as based_on,
    spent_usd,
    if(days_left = 0, spent_usd, cast(round(sure_usd + open_usd, 2) as numeric)) as forecast_usd,
    if(
        days_left = 0, spent_usd,
        cast(round(greatest(sure_usd, sure_usd + open_usd + least(coalesce(low_usd, -varies_usd), 0)), 2) as numeric)
    ) as low_usd,
    if(
        days_left = 0, spent_usd,
        cast(round(greatest(sure_usd, sure_usd + open_usd + greatest(coalesce(high_usd, varies_usd), 0)), 2) as numeric)
    ) as high_usd,
    if(days_left = 0, null, interval_basis) as interval_basis,
    actual_usd
from forecasts
