-- The billed usage of each provider's account as of an instant, day by day, including a version pulled at that very
-- instant. A day without a row had not been pulled. Seats are not included: they are not
-- billed by day.
select
    activity_date,
    provider,
    account,
    billed_usd,
    known_from,
    known_to,
    pull_id
from ai_usage_analytics.spend_versions
where
    known_from <= cast(@as_of as timestamp)
    and (known_to is null or known_to > cast(@as_of as timestamp))
order by activity_date, provider, account
