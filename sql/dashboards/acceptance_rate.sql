-- Offered and accepted edits by month and person.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    coalesce(user_email, 'unattributed') as person,
    sum(suggestions) as suggestions,
    sum(suggestions_accepted) as suggestions_accepted
from ai_usage_analytics.activity_by_person
where suggestions > 0
group by month, provider, team_name, person
