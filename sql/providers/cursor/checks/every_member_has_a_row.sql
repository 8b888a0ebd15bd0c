-- Members of a Cursor team without a row of the team on a pulled day of their membership: idle members must have rows
-- too. A person is a member from the day after joining, by the newest billing groups, or from the person's first row,
-- or else from the day on which the list of members first had this answer. A removed member is not expected, since the
-- day of removal is not known.
with newest_groups as (
    select
        account,
        records_pull_id
    from ai_usage_raw.pulls
    where pull = 'cursor_groups'
    qualify row_number() over (partition by account order by pulled_at desc, pull_id desc) = 1
),

billing_groups as (
    select
        newest_groups.account,
        groups_pulled.record
    from ai_usage_raw.cursor_groups as groups_pulled
    inner join newest_groups on groups_pulled.pull_id = newest_groups.records_pull_id
),

joined as (
    select
        billing_groups.account,
        lower(trim(json_value(member, '$.email'))) as user_email,
        min(date_add(date(timestamp(json_value(member, '$.joinedAt'))), interval 1 day)) as first_day
    from billing_groups
    cross join unnest(json_query_array(billing_groups.record, '$.currentMembers')) as member
    group by account, user_email
),

seen as (
    select
        account,
        user_email,
        min(activity_date) as first_day
    from ai_usage_analytics.cursor_usage_stats
    group by account, user_email
),

members as (
    select
        dim.account,
        dim.user_email,
        least(
            coalesce(joined.first_day, seen.first_day, date(dim.ingestion_timestamp)),
            coalesce(seen.first_day, joined.first_day, date(dim.ingestion_timestamp))
        ) as first_day
    from ai_usage_analytics.dim_cursor_member as dim
    left join joined on dim.account = joined.account and dim.user_email = joined.user_email
    left join seen on dim.account = seen.account and dim.user_email = seen.user_email
    where not dim.is_removed and dim.user_email is not null
),

days as (
    select distinct
        account,
        activity_date
    from ai_usage_raw.pulls
    where
        pull = 'cursor_daily_usage'
        and activity_date between @first_day and @last_day
),

there as (
    select distinct
        account,
        activity_date,
        user_email
    from ai_usage_analytics.cursor_usage_stats
    where activity_date between @first_day and @last_day
)

select
    days.activity_date,
    days.account,
    members.user_email,
    members.first_day as member_since
from days
inner join members on days.account = members.account and days.activity_date >= members.first_day
left join there
    on
        days.account = there.account
        and days.activity_date = there.activity_date
        and members.user_email = there.user_email
where there.user_email is null
order by days.activity_date, days.account, members.user_email
