-- Billed cost of a coding tool attributed to a person, and the commits made with it.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    sum(billed_usd) as billed_usd,
    sum(commits) as commits
from ai_usage_analytics.cost_of_output
where billed_usd is not null
group by month, provider, team_name, person
