-- The days of a pull that were ever committed to the ledger, by account.
select distinct
    account,
    activity_date
from ai_usage_raw.pulls
where
    pull = @pull
    and activity_date is not null
