-- Pull requests that coding tools made, by month and person.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unattributed') as person,
    sum(pull_requests) as pull_requests
from ai_usage_analytics.activity_by_person
where pull_requests > 0
group by month, provider, team_name, person
