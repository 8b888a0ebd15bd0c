-- Anthropic's rows of seat_day_use: people who used a seat, or Claude Code through the API, on each of the last 84 days
-- on which the use of Claude Code is known, from their first use on. No API lists who has a seat: people who used one
-- in the last 28 days have one; with several plans, the plan is unknown. Others use the API.
with plan as (
    select
        as_of_date,
        max(plan_name) as plan_name,
        max(plans) as plans
    from ai_usage_analytics.claude_seat_tiers
    group by as_of_date
),

people as (
    select
        plan.as_of_date,
        used.user_email,
        min(used.activity_date) as first_date,
        case
            when not logical_or(
                used.is_seat_used and used.activity_date > date_sub(plan.as_of_date, interval 28 day)
            ) then 'Claude API'
            when max(plan.plans) = 1 then max(plan.plan_name)
        end as current_option
    from ai_usage_analytics.claude_seat_days as used
    inner join plan
        on
            used.activity_date > date_sub(plan.as_of_date, interval 84 day)
            and used.activity_date <= plan.as_of_date
    group by plan.as_of_date, used.user_email
),

known as (
    select distinct activity_date
    from ai_usage_raw.pulls
    where pull = 'claude_code_usage'
),

teams as (
    select
        user_email,
        max(team_name) as team_name
    from ai_usage_analytics.dim_person
    group by user_email
)

select
    cast(null as string) as account,
    people.user_email,
    teams.team_name,
    known.activity_date,
    people.as_of_date,
    if(used.user_email is null, cast(0 as numeric), used.used_usd) as used_usd,
    coalesce(used.is_chat_used, false) as is_seat_needed,
    people.current_option
from people
inner join known on known.activity_date between people.first_date and people.as_of_date
left join ai_usage_analytics.claude_seat_days as used
    on people.user_email = used.user_email and known.activity_date = used.activity_date
left join teams on people.user_email = teams.user_email
