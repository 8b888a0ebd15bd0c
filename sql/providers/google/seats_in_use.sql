-- Google's rows of seat_use: licenses of Code Assist as of the newest list of each account, and one row for unassigned
-- ones. Google dates the last use of each license, so that all of the last 28 days are known since it was assigned. A
-- person on leave by the tab people is exempt, and so is a license newer than 30 days. The price is that of the newest
-- billed month, where one plan alone is billed.
with licenses as (
    select
        account,
        user_email,
        date(max(ingestion_timestamp)) as as_of_date,
        if(min(plan_name) = max(plan_name), min(plan_name), null) as plan_name,
        count(*) as seats,
        date(min(assigned_at)) as assigned_date,
        date(max(last_used_at)) as last_used_date
    from ai_usage_analytics.gemini_licenses
    where is_assigned
    group by account, user_email
),

active_days as (
    select distinct
        stats.account,
        stats.user_email,
        stats.activity_date
    from ai_usage_analytics.gemini_code_assist_stats as stats
    where stats.user_email is not null
),

used as (
    select
        licenses.account,
        licenses.user_email,
        max(active_days.activity_date) as last_logged_date,
        countif(active_days.activity_date > date_sub(licenses.as_of_date, interval 28 day)) as days_logged
    from licenses
    inner join active_days
        on licenses.account = active_days.account and licenses.user_email = active_days.user_email
    where active_days.activity_date <= licenses.as_of_date
    group by licenses.account, licenses.user_email
),

on_leave as (
    select distinct
        licenses.account,
        licenses.user_email
    from licenses
    inner join ai_usage_analytics.dim_person as seats on licenses.user_email = seats.user_email
    inner join ai_usage_analytics.dim_person as same on seats.person_email = same.person_email
    inner join ai_usage_analytics.people as listed on same.user_email = listed.user_email
    where
        (listed.leave_from is not null or listed.leave_to is not null)
        and (listed.leave_from is null or listed.leave_from <= licenses.as_of_date)
        and (listed.leave_to is null or listed.leave_to > licenses.as_of_date)
),

billed as (
    select
        account,
        activity_date,
        count(distinct sku_name) as plans,
        sum(amount_usd) as amount_usd,
        sum(quantity) as seats
    from ai_usage_analytics.gemini_costs
    where charge_type = 'subscription' and platform = 'gemini_code_assist' and credit_type is null
    group by account, activity_date
    qualify row_number() over (partition by account order by activity_date desc) = 1
),

prices as (
    select
        account,
        cast(round(safe_divide(cast(amount_usd as float64), cast(seats as float64)), 2) as numeric) as seat_price_usd
    from billed
    where plans = 1 and seats > 0
),

people as (
    select
        user_email,
        max(team_name) as team_name
    from ai_usage_analytics.dim_person
    group by user_email
),

-- A use in the window that the log does not have is a day too.
members as (
    select
        licenses.account,
        licenses.user_email,
        licenses.plan_name,
        licenses.as_of_date,
        licenses.seats,
        prices.seat_price_usd,
        people.team_name,
        nullif(
            greatest(
                coalesce(licenses.last_used_date, date '2000-01-01'), coalesce(used.last_logged_date, date '2000-01-01')
            ),
            date '2000-01-01'
        ) as last_active_date,
        least(
            28, greatest(0, coalesce(date_diff(licenses.as_of_date, licenses.assigned_date, day), 28))
        ) as days_known,
        greatest(
            coalesce(used.days_logged, 0),
            if(coalesce(licenses.last_used_date > date_sub(licenses.as_of_date, interval 28 day), false), 1, 0)
        ) as days_active,
        case
            when on_leave.user_email is not null then 'on_leave'
            when licenses.assigned_date > date_sub(licenses.as_of_date, interval 30 day) then 'new'
        end as exemption
    from licenses
    left join used on licenses.account = used.account and licenses.user_email = used.user_email
    left join on_leave on licenses.account = on_leave.account and licenses.user_email = on_leave.user_email
    left join prices on licenses.account = prices.account
    left join people on licenses.user_email = people.user_email
),

unassigned as (
    select
        date(max(licenses.ingestion_timestamp)) as as_of_date,
        if(min(licenses.plan_name) = max(licenses.plan_name), min(licenses.plan_name), null) as plan_name,
        if(
            count(prices.seat_price_usd) = count(*) and min(prices.seat_price_usd) = max(prices.seat_price_usd),
            min(prices.seat_price_usd), null
        ) as seat_price_usd,
        sum(licenses.license_count) as seats
    from ai_usage_analytics.gemini_licenses as licenses
    left join prices on licenses.account = prices.account
    where not licenses.is_assigned
)

select
    account,
    user_email,
    team_name,
    plan_name,
    seat_price_usd,
    as_of_date,
    last_active_date,
    days_known,
    days_active,
    days_active = 0 and exemption is null as is_idle,
    if(days_active = 0, exemption, null) as idle_exemption,
    exemption is not null as is_exempt,
    true as is_assigned,
    seats,
    if(days_active = 0 and exemption is null, cast(seats * seat_price_usd as numeric), null) as saving_usd
from members
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
