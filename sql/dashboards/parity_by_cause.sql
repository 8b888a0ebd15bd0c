-- The difference between two reports of a provider, by day and cause.
select
    activity_date,
    provider,
    cause,
    amount_usd
from `providers/*/report_differences`
where amount_usd is not null
