-- The company's monthly savings with the recommended plans, by provider and in total, and the number of people by
-- outcome. The interval of a sum assumes that people's errors are independent: the distances to the ends add up as
-- squares. It does not include the common assumption about included use. Estimates: never add them to billed cost.
--
-- grain: one provider, and the whole company
-- question: How much would the company save with the cheapest plans, and how sure is that?
-- example: select provider, recommendations, saving_usd, saving_low_usd, saving_high_usd from
--   ai_usage_analytics.seat_plan_totals order by scope, provider
-- built: view
-- group: activity
-- columns:
--   scope string not null: provider or total
--   provider string: as in dim_provider; null for total
--   as_of_date date not null: the earliest of the providers' last known days
--   compared integer not null: seats, or people's use without one, that were compared
--   recommendations integer not null: those of them with a recommended saving
--   uncertain integer not null: those with a saving that may be none
--   not_compared integer not null: on leave, new, or without enough known use, plan or price
--   saving_usd numeric not null: sum of the recommended savings
--   saving_low_usd numeric not null: the low end of its 80 % interval
--   saving_high_usd numeric not null: the high end
with plans as (
    select
        *,
        cast(saving_usd - saving_low_usd as float64) as below_usd,
        cast(saving_high_usd - saving_usd as float64) as above_usd
    from ai_usage_analytics.seat_plans
),

scoped as (
    select
        'provider' as scope,
        provider as scope_name,
        plans.*
    from plans
    union all
    select
        'total' as scope,
        cast(null as string) as scope_name,
        plans.*
    from plans
),

sums as (
    select
        scope,
        scope_name as provider,
        min(as_of_date) as as_of_date,
        countif(saving_usd is not null) as compared,
        countif(status = 'saving') as recommendations,
        countif(status = 'uncertain') as uncertain,
        countif(saving_usd is null) as not_compared,
        coalesce(sum(if(status = 'saving', saving_usd, null)), cast(0 as numeric)) as saving_usd,
        sqrt(coalesce(sum(if(status = 'saving', below_usd * below_usd, null)), 0)) as below_usd,
        sqrt(coalesce(sum(if(status = 'saving', above_usd * above_usd, null)), 0)) as above_usd
    from scoped
    group by scope, scope_name
)

select
    scope,
    provider,
    as_of_date,
    compared,
    recommendations,
    uncertain,
    not_compared,
    saving_usd,
    cast(saving_usd - cast(round(below_usd, 2) as numeric) as numeric) as saving_low_usd,
    cast(saving_usd + cast(round(above_usd, 2) as numeric) as numeric) as saving_high_usd
from sums
