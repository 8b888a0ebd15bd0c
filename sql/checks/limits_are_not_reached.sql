-- Spend limits that are used up or nearly used up. One row for each limit.
select
    concat(
        'limit/',
        provider,
        '/',
        coalesce(user_email, scope),
        if(coalesce(account, 'default') = 'default', '', concat('/', account)),
        '/',
        coalesce(cast(period_start as string), period),
        '/',
        state
    ) as alert_key,
    provider,
    account,
    scope,
    user_email,
    team_name,
    period,
    period_start,
    limit_usd,
    used_usd,
    used_ratio,
    state
from ai_usage_analytics.limit_use
where state in ('near', 'reached')
order by provider, account, user_email
