-- Members' days with impossible counts: more accepted than offered, or negative.
with rows_of_days as (
    select
        activity_date,
        user_email,
        total_tabs_shown,
        total_tabs_accepted,
        total_lines_added,
        accepted_lines_added,
        total_lines_deleted,
        accepted_lines_deleted,
        least(
            total_lines_added, total_lines_deleted, accepted_lines_added, accepted_lines_deleted, total_applies,
            total_accepts, total_rejects, total_tabs_shown, total_tabs_accepted, composer_requests, chat_requests,
            agent_requests, cmdk_usages, bugbot_usages, subscription_included_reqs, usage_based_reqs, api_key_reqs
        ) as least_count
    from ai_usage_analytics.cursor_usage_stats
    where activity_date between @first_day and @last_day
)

select
    activity_date,
    user_email,
    total_tabs_shown,
    total_tabs_accepted,
    total_lines_added,
    accepted_lines_added,
    total_lines_deleted,
    accepted_lines_deleted,
    least_count
from rows_of_days
where
    total_tabs_accepted > total_tabs_shown
    or accepted_lines_added > total_lines_added
    or accepted_lines_deleted > total_lines_deleted
    or least_count < 0
order by activity_date, user_email
