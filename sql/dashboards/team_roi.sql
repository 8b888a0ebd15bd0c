-- Each team's billed cost of coding tools, and the output.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email,
    sum(billed_usd) as billed_usd,
    sum(lines_accepted) as lines_accepted,
    sum(commits) as commits,
    max(if(days_active > 0, 1, 0)) as person_months
from ai_usage_analytics.cost_of_output
where billed_usd is not null
group by month, provider, team_name, user_email
