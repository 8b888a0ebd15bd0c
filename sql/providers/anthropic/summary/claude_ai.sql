-- Activity in claude.ai in the period, for people with any. A sum is null if no source reports it.
select
    count(distinct coalesce(user_email, user_id)) as people,
    sum(conversation_count) as conversations,
    sum(message_count) as messages,
    sum(file_upload_count) as file_uploads,
    string_agg(distinct source, ', ' order by source) as sources
from ai_usage_analytics.claude_usage_stats
where
    activity_date between @first_day and @last_day
    and (conversation_count > 0 or message_count > 0 or project_count > 0 or file_upload_count > 0)
