-- Each person's options over all providers together: what the person has now, and the cheapest legal mix. Use is not
-- moved from one provider's product to another's, because it might not be the same use: the cheapest mix is the
-- cheapest option of each provider. Includes only what seat_plans compares. Estimates: never add them to billed cost.
--
-- grain: one person with at least one compared seat, or use without one
-- question: Which mix of seats and usage is the cheapest for a person?
-- example: select team_name, current_mix, best_mix, saving_usd, saving_low_usd, saving_high_usd from
--   ai_usage_analytics.seat_mixes order by team_name, user_email
-- built: view
-- group: activity
-- columns:
--   user_email string not null: the person, by one address, lower-case
--   team_name string: the person's; null without one
--   current_mix string not null: provider and option of each, in the providers' order
--   best_mix string not null: the same with the recommended options
--   current_cost_usd numeric not null: estimated, of a month
--   saving_usd numeric not null: of the recommended options; 0 without any
--   saving_low_usd numeric not null: the low end of its 80 % interval; the errors of several are taken as independent
--   saving_high_usd numeric not null: the high end
--   not_compared integer not null: the person's other seats or uses, which seat_plans could not compare
--   assumption string not null: what the costs assume
with plans as (
    select
        coalesce(people.person_email, plans.user_email) as person_email,
        coalesce(people.team_name, plans.team_name) as person_team,
        plans.saving_usd is not null as is_compared,
        concat(plans.provider, ': ', plans.current_option) as now_option,
        concat(plans.provider, ': ', coalesce(plans.recommended_option, plans.current_option)) as next_option,
        if(plans.status = 'saving', plans.saving_usd, cast(0 as numeric)) as offered_usd,
        if(plans.status = 'saving', cast(plans.saving_usd - plans.saving_low_usd as float64), 0) as below_usd,
        if(plans.status = 'saving', cast(plans.saving_high_usd - plans.saving_usd as float64), 0) as above_usd,
        plans.current_cost_usd,
        plans.assumption
    from ai_usage_analytics.seat_plans as plans
    left join ai_usage_analytics.dim_person as people on plans.user_email = people.user_email
),

mixes as (
    select
        person_email,
        max(person_team) as team_name,
        string_agg(if(is_compared, now_option, null), ' + ' order by now_option) as current_mix,
        string_agg(if(is_compared, next_option, null), ' + ' order by now_option) as best_mix,
        sum(if(is_compared, current_cost_usd, null)) as current_cost_usd,
        sum(if(is_compared, offered_usd, null)) as saving_usd,
        sqrt(sum(if(is_compared, below_usd * below_usd, 0))) as below_usd,
        sqrt(sum(if(is_compared, above_usd * above_usd, 0))) as above_usd,
        countif(not is_compared) as not_compared,
        string_agg(if(is_compared, assumption, null), ' ' order by now_option) as assumption
    from plans
    group by person_email
    having logical_or(is_compared)
)

select
    person_email as user_email,
    team_name,
    current_mix,
    best_mix,
    current_cost_usd,
    saving_usd,
    cast(saving_usd - cast(round(below_usd, 2) as numeric) as numeric) as saving_low_usd,
    cast(saving_usd + cast(round(above_usd, 2) as numeric) as numeric) as saving_high_usd,
    not_compared,
    assumption
from mixes
