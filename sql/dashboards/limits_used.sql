-- How many spend limits are used up or nearly, by team.
select
    provider,
    coalesce(team_name, 'no team') as team_name,
    1 as limits,
    if(state = 'near', 1, 0) as near,
    if(state = 'reached', 1, 0) as reached,
    if(state = 'unknown', 1, 0) as unknown,
    limit_usd,
    if(limit_usd is null, null, used_usd) as used_usd,
    date(as_of_at) as data_through
from ai_usage_analytics.limit_use
where scope = 'person'
