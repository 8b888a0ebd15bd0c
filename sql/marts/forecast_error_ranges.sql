-- The half width of an interval that holds eight of ten errors, in forecast_guesses.deviation_usd: conformal
-- prediction. It is the 80 % quantile of the absolute errors of all scopes of a kind with the same range of days left,
-- over the twelve months before a month began. The errors of one month have the same cause, so their number counts
-- little: the quantile is averaged with that of a normal distribution by the number of months.
--
-- grain: one method at one range of days left, as known when one month began, of one kind of scopes
-- step of: spend_forecast
-- built: whole
-- group: forecast
-- columns:
--   scope string not null: total, provider, team or cost_center
--   month_start date not null: the first day of the month
--   method string not null: as in forecast_guesses
--   horizon string not null: days left: 1-7, 8-14, 15-21 or 22+
--   months_count integer not null: earlier months with errors
--   errors_count integer not null: their errors
--   width_ratio float not null: from the forecast to either end of the interval, in deviation_usd
with months as (
    select distinct
        scope,
        month_start
    from ai_usage_analytics.forecast_guesses
),

errors as (
    select
        scope,
        month_start,
        method,
        horizon,
        left_error_ratio
    from ai_usage_analytics.forecast_guesses
    where left_error_ratio is not null
),

earlier as (
    select
        months.scope,
        months.month_start,
        errors.method,
        errors.horizon,
        count(distinct errors.month_start) as months_count,
        count(*) as errors_count,
        array_agg(errors.left_error_ratio order by errors.left_error_ratio) as ratios
    from months
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    inner join errors
        on
            months.scope = errors.scope
            and months.month_start > errors.month_start
            and errors.month_start >= date_sub(months.month_start, interval thresholds.error_months month)
    group by months.scope, months.month_start, errors.method, errors.horizon
),

-- Of n errors the one in place 0.8 * (n + 1), between two of them in proportion, or the largest.
places as (
    select
        earlier.*,
        thresholds.prior_months,
        thresholds.normal_quantile_ratio,
        least(earlier.errors_count, div(thresholds.held_tenths * (earlier.errors_count + 1), 10)) as place,
        least(earlier.errors_count, div(thresholds.held_tenths * (earlier.errors_count + 1), 10) + 1) as next_place,
        mod(thresholds.held_tenths * (earlier.errors_count + 1), 10) / 10 as part
    from earlier
    cross join ai_usage_analytics.forecast_thresholds as thresholds
)

select
    scope,
    month_start,
    method,
    horizon,
    months_count,
    errors_count,
    (
        prior_months * normal_quantile_ratio
        + months_count * (ratios[ordinal(place)] * (1 - part) + ratios[ordinal(next_place)] * part)
    ) / (prior_months + months_count) as width_ratio
from places
