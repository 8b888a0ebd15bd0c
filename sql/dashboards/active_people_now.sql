-- The people who used each tool, by month.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email as person,
    sum(days_active) as days_active
from ai_usage_analytics.activity_by_person
where
    user_email is not null
    and days_active > 0
group by month, provider, team_name, person
