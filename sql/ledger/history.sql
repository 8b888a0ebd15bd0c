-- Every pull of a snapshot in the order of versions, from @since to @until where they are not null. asked_at is the
-- earliest request of this pull and those after it: a pull cannot be later than the next one, unless a clock was wrong.
select
    account,
    activity_date,
    pull_id,
    pulled_at,
    records,
    envelope,
    content_hash,
    records_pull_id,
    min(coalesce(asked_at, pulled_at)) over (
        partition by account
        order by pulled_at, pull_id
        rows between current row and unbounded following
    ) as asked_at
from ai_usage_raw.pulls
where
    pull = @pull
    and activity_date is null
    and pulled_at between coalesce(@since, pulled_at) and coalesce(@until, pulled_at)
order by pulled_at, pull_id
