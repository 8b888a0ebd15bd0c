-- Edits offered and accepted by week and tool.
select
    cast(date_trunc(activity_date, isoweek) as date) as week_start,
    tool,
    provider,
    coalesce(team_name, 'no team') as team_name,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted
from ai_usage_analytics.activity_by_team
where suggestions is not null
group by week_start, tool, provider, team_name
