-- When each report was last pulled, and its newest day.
select
    source as provider,
    account,
    report,
    last_pulled_at,
    last_news_at,
    newest_day,
    newest_day_with_records,
    pulls,
    versions
from ai_usage_analytics.source_freshness
