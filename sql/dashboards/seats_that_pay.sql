-- How many seats included use worth more than they cost, by month and provider.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    count(*) as seats,
    countif(worth_usd >= seat_usd) as paying_seats,
    sum(seat_usd) as seat_usd,
    sum(worth_usd) as worth_usd
from ai_usage_analytics.seat_value
group by month, provider, team_name
