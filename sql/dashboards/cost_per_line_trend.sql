-- Billed cost and output of coding tools, by month and tool.
select
    month,
    tool,
    provider,
    coalesce(team_name, 'no team') as team_name,
    sum(billed_usd) as billed_usd,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits
from ai_usage_analytics.cost_of_output
where billed_usd is not null
group by month, tool, provider, team_name
