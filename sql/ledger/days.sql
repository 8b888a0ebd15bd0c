-- The days of a pull that were ever committed, by account.
select distinct
    account,
    activity_date
from ai_usage_raw.pulls
where
    pull = @pull
    and activity_date is not null
