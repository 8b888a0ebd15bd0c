-- Monthly savings of the recommended plans, by team, and the number of people who could not be compared.
select
    provider,
    coalesce(team_name, 'no team') as team_name,
    user_email,
    if(saving_usd is null, 0, 1) as compared,
    if(status = 'saving', 1, 0) as recommendations,
    if(status = 'uncertain', 1, 0) as uncertain,
    if(saving_usd is null, 1, 0) as not_compared,
    if(status = 'saving', saving_usd, cast(0 as numeric)) as saving_usd,
    if(status = 'saving', saving_low_usd, cast(0 as numeric)) as saving_low_usd,
    if(status = 'saving', saving_high_usd, cast(0 as numeric)) as saving_high_usd,
    as_of_date as data_through
from ai_usage_analytics.seat_plans
