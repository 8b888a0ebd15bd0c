-- When each report was last asked for, and up to which day it tells.
select
    source as provider,
    report,
    last_pulled_at,
    last_news_at,
    newest_day,
    newest_day_with_records,
    pulls,
    versions
from ai_usage_analytics.source_freshness
