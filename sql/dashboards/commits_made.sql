-- Commits that a coding tool made or helped to make, by month and person.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unattributed') as person,
    sum(commits) as commits
from ai_usage_analytics.activity_by_person
where commits > 0
group by month, provider, team_name, person
