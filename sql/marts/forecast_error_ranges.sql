-- Between which errors four in five earlier forecasts of a method lay, with as many days left: the 10 % and 90 %
-- quantiles of forecast_guesses.left_error_ratio over the months that were over before a month began. A scope has a
-- range of its own from ten errors on; all scopes of its kind have one together. Prediction intervals are made of
-- these.
--
-- grain: one method at one range of days left, as known when one month began, of one scope or one kind of scopes
-- step of: spend_forecast
-- built: whole
-- group: forecast
-- columns:
--   basis string not null: scope or kind
--   scope string not null: total, provider, team or cost_center
--   scope_name string: as in spend_by_scope; null for a kind
--   month_start date not null: the first day of the month
--   method string not null: as in forecast_guesses
--   horizon string not null: days left: 1-7, 8-14, 15-21 or 22+
--   low_ratio float not null: the 10 % quantile
--   high_ratio float not null: the 90 % quantile
with months as (
    select distinct
        scope,
        scope_name,
        month_start
    from ai_usage_analytics.forecast_guesses
),

kinds as (
    select distinct
        scope,
        month_start
    from months
),

measured as (
    select
        guesses.scope,
        guesses.scope_name,
        guesses.month_start,
        guesses.method,
        guesses.horizon,
        guesses.left_error_ratio,
        thresholds.least_errors_count
    from ai_usage_analytics.forecast_guesses as guesses
    cross join ai_usage_analytics.forecast_thresholds as thresholds
    where guesses.left_error_ratio is not null
),

earlier as (
    select
        'scope' as basis,
        months.scope,
        months.scope_name,
        months.month_start,
        measured.method,
        measured.horizon,
        count(*) - 1 as steps,
        array_agg(measured.left_error_ratio order by measured.left_error_ratio) as errors
    from months
    inner join measured
        on
            months.scope = measured.scope
            and months.scope_name = measured.scope_name
            and months.month_start > measured.month_start
    group by months.scope, months.scope_name, months.month_start, measured.method, measured.horizon
    having count(*) >= max(measured.least_errors_count)
    union all
    select
        'kind' as basis,
        kinds.scope,
        cast(null as string) as scope_name,
        kinds.month_start,
        measured.method,
        measured.horizon,
        count(*) - 1 as steps,
        array_agg(measured.left_error_ratio order by measured.left_error_ratio) as errors
    from kinds
    inner join measured on kinds.scope = measured.scope and kinds.month_start > measured.month_start
    group by kinds.scope, kinds.month_start, measured.method, measured.horizon
    having count(*) >= max(measured.least_errors_count)
)

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
