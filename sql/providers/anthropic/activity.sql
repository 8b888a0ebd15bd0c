-- What people did in Claude Code and claude.ai.
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
