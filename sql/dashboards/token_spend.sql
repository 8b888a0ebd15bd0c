-- Usage that is billed by the token, by month and kind of token.
select
    month,
    provider,
    coalesce(team_name, 'no team') as team_name,
    meter,
    cast(sum(quantity) * cast('0.000001' as numeric) as numeric) as million_tokens,
    sum(quantity) as tokens,
    sum(billed_usd) as billed_usd
from ai_usage_analytics.spend_by_meter
where
    unit = 'tokens'
    and charge_type = 'usage'
group by month, provider, team_name, meter
