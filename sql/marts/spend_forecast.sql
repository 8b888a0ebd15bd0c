-- What the running month will come to in all, by provider, team and cost center, with an interval that eight of ten
-- months should end in. How good such forecasts were is in forecast_backtest; how they are made in forecast_trials.
--
-- grain: one scope, in the month of its last complete day
-- built: whole
-- columns:
--   month string not null: YYYY-MM, of the last day that is known of anything
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   as_of_date date not null: the last complete day
--   days_left integer not null: days of the month that are yet to come, or missing
--   spent_usd numeric not null: billed in the month on complete days
--   forecast_usd numeric not null: at the month's end
--   low_usd numeric not null: one month of ten should end below
--   high_usd numeric not null: and one above
--   method string not null: the one that did best in the scope's past months, or the first choice
--   interval_basis string: what the interval is made of: errors of this scope, or of all of its kind; or the spread of
--     days, while there are too few; null once the month is over
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
