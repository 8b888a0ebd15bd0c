-- Billed cost of the current month so far, by provider.
with newest as (
    select max(month) as month from ai_usage_analytics.spend_by_person
    where billed_usd is not null
)

select
    spend.provider,
    coalesce(spend.cost_center, 'no cost center') as cost_center,
    coalesce(spend.team_name, 'no team') as team_name,
    coalesce(spend.user_email, 'unattributed') as person,
    sum(spend.billed_usd) as billed_usd
from ai_usage_analytics.spend_by_person as spend
inner join newest on spend.month = newest.month
where spend.billed_usd is not null
group by spend.provider, cost_center, team_name, person
