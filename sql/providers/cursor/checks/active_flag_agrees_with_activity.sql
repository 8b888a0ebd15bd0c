-- Members' days on which the provider's own flag contradicts its counts: active without any trace, or inactive with
-- requests. Tab completions alone decide nothing, and a flag that was not sent contradicts nothing.
with rows_of_days as (
    select
        activity_date,
        user_email,
        is_active,
        composer_requests + chat_requests + agent_requests + cmdk_usages
        + subscription_included_reqs + usage_based_reqs + api_key_reqs as requests,
        total_tabs_shown + total_tabs_accepted + total_applies + total_accepts + total_rejects + bugbot_usages
        + total_lines_added + total_lines_deleted + accepted_lines_added + accepted_lines_deleted as other_traces
    from ai_usage_analytics.cursor_usage_stats
    where activity_date between @first_day and @last_day
)

select
    activity_date,
    user_email,
    is_active,
    requests,
    other_traces
from rows_of_days
where
    (is_active and requests + other_traces = 0)
    or (not is_active and requests > 0)
order by activity_date, user_email
