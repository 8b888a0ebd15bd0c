-- The forecast of the current month's cost in total, by provider, team and cost center, with its 80 % prediction
-- interval. forecast_backtest has the error of past forecasts; forecast_trials describes the methods.
--
-- grain: one scope, in the month of its last complete day
-- question: What will the month cost, with an 80 % prediction interval?
-- example: select scope_name, as_of_date, spent_usd, low_usd, forecast_usd, high_usd from
--   ai_usage_analytics.spend_forecast where scope = 'total'
-- built: whole
-- group: forecast
-- columns:
--   month string not null: YYYY-MM, of the last known day
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   as_of_date date not null: the last complete day
--   days_left integer not null: days of the month that are in the future or missing
--   spent_usd numeric not null: billed in the month on complete days
--   forecast_usd numeric not null: the month's total
--   low_usd numeric not null: one month in ten should end below
--   high_usd numeric not null: one month in ten should end above
--   method string not null: the best one in the scope's past months, or the default
--   interval_basis string: the source of the interval: kind (errors of earlier months of all scopes of its kind), or
--     spread of days (how much days vary) while there are none; null once the month is over
with newest as (
    select
        scope,
        scope_name,
        max(origin_date) as as_of_date
    from ai_usage_analytics.forecast_trials
    group by scope, scope_name
),

running as (
    select max(month) as month from ai_usage_analytics.forecast_trials
)

select
    trials.month,
    trials.scope,
    trials.scope_name,
    newest.as_of_date,
    trials.days_left,
    trials.spent_usd,
    trials.forecast_usd,
    trials.low_usd,
    trials.high_usd,
    trials.based_on as method,
    trials.interval_basis
from ai_usage_analytics.forecast_trials as trials
inner join newest
    on
        trials.scope = newest.scope
        and trials.scope_name = newest.scope_name
        and trials.origin_date = newest.as_of_date
inner join running on trials.month = running.month
where trials.method = 'chosen'
