-- Of each day: what the difference between two reports of a provider is made of.
select
    activity_date,
    provider,
    cause,
    amount_usd
from `providers/*/report_differences`
where amount_usd is not null
