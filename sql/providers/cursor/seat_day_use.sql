-- Cursor's rows of seat_day_use: the members of seat_use on each of the last 84 days for which the events of their team
-- are known. Every use of Cursor needs a seat. An event is worth its charge, included or billed, else its list price.
with members as (
    select
        account,
        user_email,
        team_name,
        plan_name,
        as_of_date
    from ai_usage_analytics.seat_use
    where provider = 'cursor' and is_assigned
),

known as (
    select distinct
        account,
        activity_date
    from ai_usage_raw.pulls
    where pull = 'cursor_usage_events'
),

days as (
    select
        members.account,
        members.user_email,
        members.as_of_date,
        stats.activity_date,
        max(members.team_name) as team_name,
        max(members.plan_name) as plan_name,
        coalesce(logical_or(stats.is_active), false) as is_active
    from ai_usage_analytics.cursor_usage_stats as stats
    inner join members on stats.account = members.account and stats.user_email = members.user_email
    inner join known on stats.account = known.account and stats.activity_date = known.activity_date
    where
        stats.activity_date > date_sub(members.as_of_date, interval 84 day)
        and stats.activity_date <= members.as_of_date
    group by members.account, members.user_email, members.as_of_date, stats.activity_date
),

used as (
    select
        account,
        user_email,
        activity_date,
        sum(coalesce(charged_usd, list_usd)) as used_usd,
        countif(charged_usd is null and list_usd is null) as unpriced_events
    from ai_usage_analytics.cursor_usage_events
    where service_account_id is null
    group by account, user_email, activity_date
)

select
    days.account,
    days.user_email,
    days.team_name,
    days.activity_date,
    days.as_of_date,
    case
        when used.unpriced_events > 0 then null
        else coalesce(used.used_usd, cast(0 as numeric))
    end as used_usd,
    days.is_active or used.user_email is not null as is_seat_needed,
    days.plan_name as current_option
from days
left join used
    on
        days.account = used.account
        and days.user_email = used.user_email
        and days.activity_date = used.activity_date
