-- Each month's billed cost and that of the month before, over the same number of days: the current month is not
-- compared with a whole one. If a day of either is not known, nothing is compared.
--
-- grain: one month of one provider, or of all
-- question: How much more does this month cost than the month before, over the same number of days?
-- example: select month, scope_name, spent_usd, previous_usd, growth_ratio from ai_usage_analytics.spend_growth
--   order by month desc, growth_usd desc
-- built: whole
-- group: spend
-- columns:
--   month string not null: YYYY-MM
--   scope string not null: total or provider
--   scope_name string not null: the provider; `all` for the total
--   days integer not null: number of days, from the first of each month, that are compared
--   spent_usd numeric not null: billed on them, seats included
--   previous_usd numeric: billed on those of the month before; null if they cannot be compared
--   growth_usd numeric: the difference
--   growth_ratio numeric: growth_usd divided by previous_usd; 0.2 is 20 % more
with known as (
    select
        scope,
        scope_name,
        spend_date,
        spent_usd,
        extract(day from spend_date) as day_of_month,
        cast(date_trunc(spend_date, month) as date) as month_start
    from ai_usage_analytics.spend_by_scope
    where
        scope in ('total', 'provider')
        and is_complete
),

months as (
    select
        scope,
        scope_name,
        month_start,
        cast(date_sub(month_start, interval 1 month) as date) as previous_start,
        least(
            max(day_of_month), extract(day from date_sub(month_start, interval 1 day))
        ) as days
    from known
    group by scope, scope_name, month_start
),

compared as (
    select
        months.scope,
        months.scope_name,
        months.month_start,
        months.days,
        coalesce(
            sum(if(known.month_start = months.month_start, known.spent_usd, null)), cast(0 as numeric)
        ) as spent_usd,
        sum(if(known.month_start = months.previous_start, known.spent_usd, null)) as previous_usd,
        count(*) = 2 * months.days as is_whole
    from months
    inner join known
        on
            months.scope = known.scope
            and months.scope_name = known.scope_name
            and months.days >= known.day_of_month
            and (months.month_start = known.month_start or months.previous_start = known.month_start)
    group by months.scope, months.scope_name, months.month_start, months.days
)

select
    format_date('%Y-%m', month_start) as month,
    scope,
    scope_name,
    days,
    spent_usd,
    if(is_whole, previous_usd, null) as previous_usd,
    if(is_whole, spent_usd - previous_usd, null) as growth_usd,
    if(
        is_whole,
        cast(round(safe_divide(
            cast(spent_usd - previous_usd as float64), cast(previous_usd as float64)
        ), 6) as numeric),
        null
    ) as growth_ratio
from compared
