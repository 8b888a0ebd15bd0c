-- Each team's use of coding tools, and how many people use them.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    if(days_active > 0, user_email, null) as active_email,
    sum(days_active) as days_active,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests
from ai_usage_analytics.activity_by_person
where
    is_coding_tool
    and user_email is not null
group by month, provider, team_name, active_email
