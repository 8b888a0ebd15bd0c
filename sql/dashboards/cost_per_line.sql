-- Billed cost of a coding tool attributed to a person, and its accepted lines.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    sum(billed_usd) as billed_usd,
    sum(lines_accepted) as lines_accepted
from ai_usage_analytics.cost_of_output
where billed_usd is not null
group by month, provider, team_name, person
