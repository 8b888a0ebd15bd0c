-- Cursor's rows of seat_use, one for each team of a person, as of the last day that is known of every configured team:
-- on a later one a team's members would be missing, and their seats would count as unassigned. Members are those that
-- Cursor lists, without the owner's free seat. Whoever is on leave by the tab people, or was away on more of the last
-- 28 days than may be missing, and whoever is new (a member, or in the tab people, for less than 30 days), is exempt.
with teams as (
    select
        stats.account,
        min(stats.activity_date) as first_known_date,
        max(stats.activity_date) as last_known_date,
        coalesce(logical_and(dim_account.is_expected), true) as is_expected
    from ai_usage_analytics.cursor_usage_stats as stats
    left join ai_usage_analytics.dim_account as dim_account
        on stats.account = dim_account.account and dim_account.provider = 'cursor'
    group by stats.account
),

newest as (
    select coalesce(min(if(is_expected, last_known_date, null)), max(last_known_date)) as as_of_date
    from teams
),

activity as (
    select
        stats.account,
        stats.user_email,
        newest.as_of_date,
        min(stats.activity_date) as first_listed_date,
        max(stats.activity_date) as last_listed_date,
        max(if(stats.is_active, stats.activity_date, null)) as last_active_date,
        count(distinct if(
            stats.activity_date > date_sub(newest.as_of_date, interval 28 day), stats.activity_date, null
        )) as days_known,
        count(distinct if(
            stats.activity_date > date_sub(newest.as_of_date, interval 28 day) and stats.is_active,
            stats.activity_date, null
        )) as days_active
    from ai_usage_analytics.cursor_usage_stats as stats
    cross join newest
    where stats.activity_date <= newest.as_of_date
    group by stats.account, stats.user_email, newest.as_of_date
),

-- The rows of the tab people for a member, under any of the member's addresses.
listed as (
    select
        seats.user_email,
        rows_of_person.valid_from,
        rows_of_person.leave_from,
        rows_of_person.leave_to
    from ai_usage_analytics.dim_person as seats
    inner join ai_usage_analytics.dim_person as same on seats.person_email = same.person_email
    inner join ai_usage_analytics.people as rows_of_person on same.user_email = rows_of_person.user_email
),

leaves as (
    select
        stats.account,
        stats.user_email,
        count(distinct stats.activity_date) as days_on_leave,
        logical_or(stats.activity_date = newest.as_of_date) as is_on_leave
    from ai_usage_analytics.cursor_usage_stats as stats
    cross join newest
    inner join listed on stats.user_email = listed.user_email
    where
        stats.activity_date <= newest.as_of_date
        and stats.activity_date > date_sub(newest.as_of_date, interval 28 day)
        and (listed.leave_from is not null or listed.leave_to is not null)
        and (listed.leave_from is null or stats.activity_date >= listed.leave_from)
        and (listed.leave_to is null or stats.activity_date < listed.leave_to)
    group by stats.account, stats.user_email
),

-- A member's first day that is the first known day of the team shows nothing: the member may have been there before.
started as (
    select
        activity.account,
        activity.user_email,
        if(
            activity.first_listed_date > teams.first_known_date, activity.first_listed_date, date '2000-01-01'
        ) as member_since,
        coalesce(min(coalesce(listed.valid_from, date '2000-01-01')), date '2000-01-01') as listed_since
    from activity
    inner join teams on activity.account = teams.account
    left join listed on activity.user_email = listed.user_email
    group by activity.account, activity.user_email, member_since
),

exemptions as (
    select
        activity.account,
        activity.user_email,
        case
            when leaves.is_on_leave or (activity.days_known >= 20 and activity.days_known - leaves.days_on_leave < 20)
                then 'on_leave'
            when greatest(started.member_since, started.listed_since) > date_sub(activity.as_of_date, interval 30 day)
                then 'new'
        end as exemption
    from activity
    inner join started on activity.account = started.account and activity.user_email = started.user_email
    left join leaves on activity.account = leaves.account and activity.user_email = leaves.user_email
),

members as (
    select
        account,
        user_email
    from ai_usage_analytics.dim_cursor_member
    group by account, user_email
    having logical_or(not coalesce(is_removed, false) and coalesce(role, '') != 'free-owner')
),

paid as (
    select
        cursor_seats.account,
        cursor_seats.user_email,
        cursor_seats.is_assigned,
        cursor_seats.plan_name,
        cursor_seats.seats,
        newest.as_of_date,
        round(cursor_seats.seat_usd * extract(day from last_day(newest.as_of_date)), 2) as seat_price_usd
    from ai_usage_analytics.cursor_seats as cursor_seats
    inner join newest on cursor_seats.activity_date = newest.as_of_date
),

-- Also where each plan's seats are on one row, and members are counted beside.
unassigned as (
    select
        as_of_date,
        sum(if(is_assigned, 0, seats)) - countif(is_assigned and seats is null) as seats,
        if(countif(is_assigned and seats is null) > 0, null, max(if(is_assigned, null, plan_name))) as plan_name,
        if(countif(is_assigned and seats is null) > 0, null, max(if(is_assigned, null, seat_price_usd)))
            as seat_price_usd
    from paid
    group by as_of_date
),

people as (
    select
        user_email,
        max(team_name) as team_name
    from ai_usage_analytics.dim_person
    group by user_email
)

select
    activity.account,
    activity.user_email,
    people.team_name,
    paid.plan_name,
    paid.seat_price_usd,
    activity.as_of_date,
    activity.last_active_date,
    activity.days_known,
    activity.days_active,
    activity.days_active = 0 and activity.days_known >= 20 and exemptions.exemption is null as is_idle,
    if(activity.days_active = 0, exemptions.exemption, null) as idle_exemption,
    exemptions.exemption is not null as is_exempt,
    true as is_assigned,
    1 as seats,
    if(
        activity.days_active = 0 and activity.days_known >= 20 and exemptions.exemption is null,
        paid.seat_price_usd, null
    ) as saving_usd
from activity
inner join exemptions on activity.account = exemptions.account and activity.user_email = exemptions.user_email
inner join members on activity.account = members.account and activity.user_email = members.user_email
left join paid on activity.account = paid.account and activity.user_email = paid.user_email
left join people on activity.user_email = people.user_email
where activity.last_listed_date = activity.as_of_date
union all
select
    cast(null as string) as account,
    cast(null as string) as user_email,
    cast(null as string) as team_name,
    plan_name,
    seat_price_usd,
    as_of_date,
    cast(null as date) as last_active_date,
    0 as days_known,
    0 as days_active,
    false as is_idle,
    cast(null as string) as idle_exemption,
    false as is_exempt,
    false as is_assigned,
    seats,
    cast(seats * seat_price_usd as numeric) as saving_usd
from unassigned
where seats > 0
