-- The unexplained part of the difference between the providers' cost lines and their console figures.
select
    month,
    provider,
    abs(unexplained_usd) as unexplained_usd,
    abs(difference_usd) as difference_usd,
    vendor_usd
from ai_usage_analytics.month_close
where difference_usd is not null
