-- What each provider's usage was known to cost, day by day, at an instant: the version that stood then, one pulled at
-- that very instant included. A day without a row had not been pulled. Seats are not in it: nobody bills them by day.
select
    activity_date,
    provider,
    billed_usd,
    known_from,
    known_to,
    pull_id
from ai_usage_analytics.spend_versions
where
    known_from <= cast(@as_of as timestamp)
    and (known_to is null or known_to > cast(@as_of as timestamp))
order by activity_date, provider
