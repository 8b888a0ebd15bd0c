-- For each person's seat, or use without one: the current option, the cheapest legal one, and its monthly saving, or
-- the reason why nothing is recommended. The saving has the 80 % interval of the person's use: between
-- two options it only rises, or only falls, with the use, so its ends are the savings at the ends of the use. Included
-- use is an assumption that the interval does not contain. A saving is recommended only if all of its interval is above
-- 0. Estimates: never add them to billed cost, and not to seat_use.saving_usd, which may have the same seat.
--
-- grain: one person's seat or use of one provider, as of the last known day
-- question: Which plan is the cheapest for a person's use, and how sure is the saving?
-- example: select team_name, provider, current_option, best_option, saving_usd, saving_low_usd, saving_high_usd, status
--   from ai_usage_analytics.seat_plans where status = 'saving' order by team_name, user_email
-- built: view
-- group: activity
-- columns:
--   provider string not null: as in dim_provider
--   account string: as in seat_options
--   user_email string not null: the person, lower-case
--   team_name string: the person's; null without one
--   as_of_date date not null: the last known day of the provider
--   status string not null: saving (recommended), cheapest (the current option is), uncertain (the saving's interval
--     contains 0), or why nothing is compared: on_leave, new, too_few_weeks, unpriced_use, plan_unknown, price_unknown
--   current_option string: what the person has; null where it is not known
--   best_option string: the cheapest legal option of those with a known cost; null for who is exempt or not compared,
--     but for plan_unknown and price_unknown
--   recommended_option string: best_option if it is a saving; else null
--   current_cost_usd numeric: estimated, of a month; null where it is not known
--   best_cost_usd numeric: likewise, of best_option
--   saving_usd numeric: their difference; 0 if the current option is the cheapest; null where nothing is compared
--   saving_low_usd numeric: the low end of its 80 % interval
--   saving_high_usd numeric: the high end
--   used_usd numeric: the use of a month at list price
--   weeks_known integer not null: whole weeks with known use, 12 at most
--   assumption string: what the costs of the current and the best option assume
with ranked as (
    select
        *,
        unpriced_days > 0 as has_unpriced_use,
        row_number() over (
            partition by provider, account, user_email
            order by
                if(is_legal and estimated_cost_usd is not null, 0, 1),
                estimated_cost_usd,
                if(is_current, 0, 1),
                seat_price_usd,
                option_name
        ) as place
    from ai_usage_analytics.seat_options
),

members as (
    select
        provider,
        account,
        user_email,
        max(team_name) as team_name,
        max(as_of_date) as as_of_date,
        max(weeks_known) as weeks_known,
        max(used_usd) as used_usd,
        logical_or(is_on_leave) as is_on_leave,
        logical_or(is_new) as is_new,
        logical_or(has_unpriced_use) as has_unpriced_use,
        max(if(is_current, option_name, null)) as current_option,
        max(if(is_current, estimated_cost_usd, null)) as current_cost_usd,
        max(if(is_current, low_use_cost_usd, null)) as current_low_usd,
        max(if(is_current, high_use_cost_usd, null)) as current_high_usd,
        max(if(is_current, assumption, null)) as current_assumption,
        max(if(place = 1 and is_legal, if(estimated_cost_usd is null, null, option_name), null)) as best_option,
        max(if(place = 1 and is_legal, estimated_cost_usd, null)) as best_cost_usd,
        max(if(place = 1 and is_legal, low_use_cost_usd, null)) as best_low_usd,
        max(if(place = 1 and is_legal, high_use_cost_usd, null)) as best_high_usd,
        max(if(place = 1 and is_legal, assumption, null)) as best_assumption
    from ranked
    group by provider, account, user_email
),

compared as (
    select
        members.*,
        case
            when members.is_on_leave then 'on_leave'
            when members.is_new then 'new'
            when members.weeks_known < thresholds.least_weeks then 'too_few_weeks'
            when members.has_unpriced_use then 'unpriced_use'
            when members.current_option is null then 'plan_unknown'
            when members.current_cost_usd is null then 'price_unknown'
            when members.best_cost_usd = members.current_cost_usd then 'cheapest'
            when
                members.best_low_usd < members.current_low_usd and members.best_high_usd < members.current_high_usd
                then 'saving'
            else 'uncertain'
        end as status
    from members
    cross join ai_usage_analytics.seat_thresholds as thresholds
),

judged as (
    select
        *,
        status in ('saving', 'cheapest', 'uncertain') as is_compared,
        status not in ('on_leave', 'new', 'too_few_weeks', 'unpriced_use') as has_known_use
    from compared
)

select
    provider,
    account,
    user_email,
    team_name,
    as_of_date,
    status,
    current_option,
    if(has_known_use, best_option, null) as best_option,
    if(status = 'saving', best_option, null) as recommended_option,
    if(has_known_use, current_cost_usd, null) as current_cost_usd,
    if(has_known_use, best_cost_usd, null) as best_cost_usd,
    if(is_compared, cast(current_cost_usd - best_cost_usd as numeric), null) as saving_usd,
    if(
        is_compared,
        cast(least(current_low_usd - best_low_usd, current_high_usd - best_high_usd) as numeric), null
    ) as saving_low_usd,
    if(
        is_compared,
        cast(greatest(current_low_usd - best_low_usd, current_high_usd - best_high_usd) as numeric), null
    ) as saving_high_usd,
    if(has_known_use, used_usd, null) as used_usd,
    weeks_known,
    if(
        current_option = best_option or current_assumption = best_assumption or current_assumption is null,
        best_assumption, concat(current_assumption, ' ', best_assumption)
    ) as assumption
from judged
