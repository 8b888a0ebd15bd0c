-- What people did in Cursor: the daily report, the tokens of their events, and commits with lines of Cursor. Members
-- who did nothing are here too, not active.
select
    activity_date,
    user_email,
    'cursor' as tool,
    coalesce(
        is_active,
        coalesce(composer_requests, 0) + coalesce(chat_requests, 0) + coalesce(agent_requests, 0)
        + coalesce(cmdk_usages, 0) + coalesce(total_tabs_shown, 0) > 0
    ) as is_active,
    cast(null as int64) as sessions,
    subscription_included_reqs + usage_based_reqs + api_key_reqs as requests,
    total_accepts + total_rejects as suggestions,
    if(total_rejects is null, null, total_accepts) as suggestions_accepted,
    total_lines_added as lines_added,
    accepted_lines_added as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    cast(null as int64) as tokens
from ai_usage_analytics.cursor_usage_stats
where activity_date between @first_day and @last_day
union all
select
    activity_date,
    user_email,
    'cursor' as tool,
    true as is_active,
    cast(null as int64) as sessions,
    cast(null as int64) as requests,
    cast(null as int64) as suggestions,
    cast(null as int64) as suggestions_accepted,
    cast(null as int64) as lines_added,
    cast(null as int64) as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    sum(input_tokens + output_tokens + cache_write_tokens + cache_read_tokens) as tokens
from ai_usage_analytics.cursor_usage_events
where
    activity_date between @first_day and @last_day
    and service_account_id is null
group by activity_date, user_email
union all
select
    activity_date,
    user_email,
    'cursor' as tool,
    false as is_active,
    cast(null as int64) as sessions,
    cast(null as int64) as requests,
    cast(null as int64) as suggestions,
    cast(null as int64) as suggestions_accepted,
    cast(null as int64) as lines_added,
    cast(null as int64) as lines_accepted,
    countif(coalesce(tab_lines_added, 0) + coalesce(composer_lines_added, 0) > 0) as commits,
    cast(null as int64) as pull_requests,
    cast(null as int64) as tokens
from ai_usage_analytics.cursor_ai_commits
where activity_date between @first_day and @last_day
group by activity_date, user_email
