-- The coding tools side by side: their users and output. A column is null where a tool's provider does not report it.
select
    month,
    tool,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unattributed') as person,
    if(days_active > 0, user_email, null) as active_email,
    sum(days_active) as days_active,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests
from ai_usage_analytics.activity_by_person
where is_coding_tool
group by month, tool, provider, team_name, person, active_email
