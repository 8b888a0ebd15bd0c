-- The days that forecasts learn from: each known day of the company and of each provider, team and cost center since
-- its first spend. A team or cost center without spend on a known day spent $0. forecast_thresholds has the limits.
--
-- grain: one scope on one UTC day that is known
-- step of: spend_forecast
-- built: whole
-- group: forecast
-- columns:
--   scope string not null: total, provider, team or cost_center
--   scope_name string not null: as in spend_by_scope
--   spend_date date not null: the UTC day
--   first_date date not null: the scope's first day
--   month_start date not null: the first day of the month
--   weekday integer not null: 1 on Sunday and public holidays to 7 on Saturday
--   spent_usd numeric not null: billed, seats included
--   usage_usd numeric not null: the part for usage
--   seats_usd numeric not null: the part for subscriptions
--   is_origin boolean not null: whether a forecast is made of what was known by then: every third day of a month and
--     the last one, if two weeks are known
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

history as (
    select
        scopes.scope,
        scopes.scope_name,
        calendar_days.spend_date,
        scopes.first_date,
        coalesce(spent.spent_usd, cast(0 as numeric)) as spent_usd,
        coalesce(spent.usage_usd, cast(0 as numeric)) as usage_usd,
        coalesce(spent.seats_usd, cast(0 as numeric)) as seats_usd,
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
)

select
    history.scope,
    history.scope_name,
    history.spend_date,
    history.first_date,
    cast(date_trunc(history.spend_date, month) as date) as month_start,
    if(holidays.holiday_date is null, extract(dayofweek from history.spend_date), 1) as weekday,
    history.spent_usd,
    history.usage_usd,
    history.seats_usd,
    history.days_known >= thresholds.least_known_days
    and (
        mod(extract(day from history.spend_date), thresholds.origin_every_days) = 0 or history.days_from_last = 1
    ) as is_origin
from history
cross join ai_usage_analytics.forecast_thresholds as thresholds
left join ai_usage_analytics.dim_holiday as holidays on history.spend_date = holidays.holiday_date
