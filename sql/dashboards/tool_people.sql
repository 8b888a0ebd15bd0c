-- The people who used each tool, by month.
select
    month,
    tool,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person
from ai_usage_analytics.activity_by_person
where
    user_email is not null
    and days_active > 0
group by month, tool, provider, team_name, person
