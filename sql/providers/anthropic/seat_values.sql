-- Anthropic's rows of seat_value. No API shows who has which seat: the price is the mean of all seats of the month, the
-- use is Claude Code's by Anthropic's own estimate, and only people who used that are here. Chat in claude.ai has no
-- price by use and is not counted.
with bought as (
    select
        cast(date_trunc(spend_date, month) as date) as month_start,
        count(*) as days_known
    from ai_usage_analytics.spend_by_scope
    where
        spend_date between @first_day and @last_day
        and scope = 'provider'
        and scope_name = 'anthropic'
        and seats_usd > 0
    group by month_start
),

claude_seats as (
    select
        spend.month_start,
        cast(sum(spend.billed_usd) as float64) * max(bought.days_known)
        / cast(sum(spend.quantity) as float64) as seat_usd
    from ai_usage_analytics.spend_by_meter as spend
    inner join bought on spend.month_start = bought.month_start
    where
        spend.provider = 'anthropic'
        and spend.meter = 'seat'
    group by spend.month_start
    having sum(spend.quantity) > 0
),

claude_use as (
    select
        month_start,
        user_email,
        max(team_name) as team_name,
        sum(estimated_usd) as worth_usd
    from ai_usage_analytics.spend_by_person
    where
        month_start between @first_day and @last_day
        and platform = 'claude_code'
        and user_email is not null
        and estimated_usd is not null
    group by month_start, user_email
)

select
    claude_use.month_start,
    claude_use.user_email,
    claude_use.team_name,
    cast(round(claude_seats.seat_usd, 2) as numeric) as seat_usd,
    claude_use.worth_usd,
    'mean_seat' as seat_basis,
    'vendor_estimate' as worth_basis
from claude_use
inner join claude_seats on claude_use.month_start = claude_seats.month_start
