-- What people did with which tool, to hold beside what it cost. Idle members of Cursor stand here too, not active.
-- Vendors count unlike things: a column is null where a tool does not tell it, never a zero.
--
-- grain: one person's use of one tool on one UTC day
-- built: daily by activity_date
-- cluster: tool, user_email
-- columns:
--   activity_date date not null: the UTC day
--   user_email string: the person, by one address, lower-case; null for API keys, and where the vendor names nobody
--   team_name string: the person's; null without one
--   tool string not null: claude_code, claude.ai or cursor
--   is_active boolean not null: whether anything was done
--   sessions integer: of Claude Code
--   requests integer: messages in claude.ai, events in Cursor
--   suggestions integer: edits offered, and accepted or rejected
--   suggestions_accepted integer: of these, accepted
--   acceptance_ratio numeric: accepted of offered, 0 to 1; null where none was offered
--   lines_added integer: Claude Code: by it; Cursor: by whomever, in the editor
--   lines_accepted integer: of these, suggested by the tool and accepted
--   commits integer: made by Claude Code, or with lines of Cursor
--   pull_requests integer: made by Claude Code
--   tokens integer: of all kinds
with done as (
    select
        activity_date,
        user_email,
        'claude_code' as tool,
        true as is_active,
        num_sessions as sessions,
        cast(null as int64) as requests,
        edit_tool_accepted + multi_edit_tool_accepted + write_tool_accepted + notebook_edit_tool_accepted
        + edit_tool_rejected + multi_edit_tool_rejected + write_tool_rejected + notebook_edit_tool_rejected
            as suggestions,
        if(
            edit_tool_rejected + multi_edit_tool_rejected + write_tool_rejected + notebook_edit_tool_rejected is null,
            null, edit_tool_accepted + multi_edit_tool_accepted + write_tool_accepted + notebook_edit_tool_accepted
        ) as suggestions_accepted,
        lines_added,
        lines_added as lines_accepted,
        commits_by_claude_code as commits,
        pull_requests_by_claude_code as pull_requests,
        input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens as tokens
    from ai_usage_analytics.claude_code_usage_stats
    where activity_date between @first_day and @last_day
    union all
    select
        activity_date,
        user_email,
        'claude.ai' as tool,
        coalesce(conversation_count, 0) + coalesce(message_count, 0) + coalesce(project_count, 0)
        + coalesce(file_upload_count, 0) > 0 as is_active,
        cast(null as int64) as sessions,
        message_count as requests,
        cast(null as int64) as suggestions,
        cast(null as int64) as suggestions_accepted,
        cast(null as int64) as lines_added,
        cast(null as int64) as lines_accepted,
        cast(null as int64) as commits,
        cast(null as int64) as pull_requests,
        cast(null as int64) as tokens
    from ai_usage_analytics.claude_usage_stats
    where activity_date between @first_day and @last_day
    union all
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
),

totals as (
    select
        done.activity_date,
        coalesce(people.person_email, done.user_email) as person_email,
        people.team_name,
        done.tool,
        logical_or(done.is_active) as is_active,
        sum(done.sessions) as sessions,
        sum(done.requests) as requests,
        sum(done.suggestions) as suggestions,
        sum(done.suggestions_accepted) as suggestions_accepted,
        sum(done.lines_added) as lines_added,
        sum(done.lines_accepted) as lines_accepted,
        sum(done.commits) as commits,
        sum(done.pull_requests) as pull_requests,
        sum(done.tokens) as tokens
    from done
    left join ai_usage_analytics.dim_person as people on done.user_email = people.user_email
    group by done.activity_date, people.person_email, done.user_email, people.team_name, done.tool
)

select
    activity_date,
    person_email as user_email,
    team_name,
    tool,
    logical_or(is_active) as is_active,
    sum(sessions) as sessions,
    sum(requests) as requests,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted,
    cast(round(
        safe_divide(cast(sum(suggestions_accepted) as float64), cast(sum(suggestions) as float64)), 6
    ) as numeric) as acceptance_ratio,
    sum(lines_added) as lines_added,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests,
    sum(tokens) as tokens
from totals
group by activity_date, person_email, team_name, tool
