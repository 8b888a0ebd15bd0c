-- When each report of a provider, and each tab of the sheet, was last pulled, up to which day, and when it last had
-- anything new: this shows stale reports.
--
-- grain: one report or directory of one account, or one tab, that was ever pulled
-- question: When was each report last pulled, and when did it last bring something new?
-- example: select source, account, report, last_pulled_at, newest_day_with_records from
--   ai_usage_analytics.source_freshness order by last_pulled_at
-- built: view
-- group: quality
-- columns:
--   source string not null: the provider, or the sheet, that was pulled
--   account string not null: the account at the provider; default of a tab
--   report string not null: the raw table
--   last_pulled_at instant not null: when it was last pulled
--   last_news_at instant not null: when a pull last returned something new
--   newest_day date: the last UTC day that was pulled; null for a directory or a tab
--   newest_day_with_records date: the last day with records; null for a directory or a tab
--   pulls integer not null: number of pulls
--   versions integer not null: number of pulls with something new
with looks as (
    select
        source,
        pull,
        account,
        activity_date,
        records,
        records_pull_id = pull_id as is_news,
        min(coalesce(asked_at, pulled_at)) over (
            partition by pull, account, activity_date
            order by pulled_at, pull_id
            rows between current row and unbounded following
        ) as asked_at -- no look was later than one that came after it
    from ai_usage_raw.pulls
)

select
    source,
    account,
    pull as report,
    max(asked_at) as last_pulled_at,
    max(if(is_news, asked_at, null)) as last_news_at,
    max(activity_date) as newest_day,
    max(if(records > 0, activity_date, null)) as newest_day_with_records,
    count(*) as pulls,
    countif(is_news) as versions
from looks
group by source, account, pull
