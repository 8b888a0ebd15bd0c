-- Billed cost of the period by team, for its people and keys, largest first; then what is unattributed, seats without a
-- name, and people without a team.
select
    coalesce(
        team_name,
        case
            when user_email is not null then 'people without a team'
            when charge_type = 'subscription' then 'seats without a name'
            else 'unattributed'
        end
    ) as label,
    sum(billed_usd) as cost_usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and billed_usd is not null
group by label
order by cost_usd desc
