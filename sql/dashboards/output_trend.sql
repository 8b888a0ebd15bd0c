-- Commits and pull requests by week.
select
    cast(date_trunc(activity_date, isoweek) as date) as week_start,
    provider,
    coalesce(team_name, 'no team') as team_name,
    sum(commits) as commits,
    sum(pull_requests) as pull_requests
from ai_usage_analytics.activity_by_team
where
    commits is not null
    or pull_requests is not null
group by week_start, provider, team_name
