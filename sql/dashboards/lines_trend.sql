-- Accepted lines by week and tool.
select
    cast(date_trunc(activity_date, isoweek) as date) as week_start,
    tool,
    provider,
    coalesce(team_name, 'no team') as team_name,
    sum(lines_accepted) as lines_accepted
from ai_usage_analytics.activity_by_team
where lines_accepted is not null
group by week_start, tool, provider, team_name
