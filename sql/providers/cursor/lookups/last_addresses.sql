-- The last address known of each of these people and service accounts, by the id that Cursor has for them: from the
-- members' list, from their days, from their spend, and for service accounts from their events.
with named as (
    select
        'user' as kind,
        user_id as id,
        user_email,
        date(ingestion_timestamp) as known_on
    from ai_usage_analytics.dim_cursor_member
    where user_id in unnest(@users)
    union all
    select
        'user' as kind,
        cursor_user_id as id,
        user_email,
        activity_date as known_on
    from ai_usage_analytics.cursor_usage_stats
    where cursor_user_id in unnest(@users)
    union all
    select
        'user' as kind,
        user_id as id,
        user_email,
        activity_date as known_on
    from ai_usage_analytics.cursor_spend_daily
    where user_id in unnest(@users)
    union all
    select
        'service_account' as kind,
        service_account_id as id,
        user_email,
        activity_date as known_on
    from ai_usage_analytics.cursor_usage_events
    where service_account_id in unnest(@services)
)

select
    kind,
    id,
    user_email
from named
where user_email is not null
qualify row_number() over (partition by kind, id order by known_on desc, user_email asc) = 1
order by kind, id
