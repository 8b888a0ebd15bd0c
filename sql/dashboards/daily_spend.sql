-- Billed cost by day and provider: usage, and the day's share of the seats.
select
    spend_date,
    scope_name as provider,
    spent_usd as billed_usd,
    usage_usd,
    seats_usd
from ai_usage_analytics.spend_by_scope
where scope = 'provider'
