-- How many people used any tool on a day, in the week and in the four weeks up to it.
select
    activity_date,
    team_name,
    people_day,
    people_week,
    people_month
from ai_usage_analytics.active_people
where tool = 'any'
