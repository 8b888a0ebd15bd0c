-- Billed cost of coding tools attributed to a person, and the number of months in which the person was active.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    sum(billed_usd) as billed_usd,
    max(if(days_active > 0, 1, 0)) as person_months
from ai_usage_analytics.cost_of_output
where billed_usd is not null
group by month, provider, team_name, person
