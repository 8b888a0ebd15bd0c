-- How many people used any tool on each day, and in the week and the four weeks that end with it.
select
    activity_date,
    team_name,
    people_day,
    people_week,
    people_month
from ai_usage_analytics.active_people
where tool = 'any'
