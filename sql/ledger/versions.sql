-- Every version of the days of a pull from @first_day to @last_day: the pulls that brought changed records.
select
    account,
    activity_date,
    pull_id,
    pulled_at,
    records,
    envelope,
    content_hash
from ai_usage_raw.pulls
where
    pull = @pull
    and activity_date between @first_day and @last_day
    and records_pull_id = pull_id
order by activity_date, account, pulled_at, pull_id
