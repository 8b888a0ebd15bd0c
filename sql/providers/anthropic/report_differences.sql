-- The causes of the difference between the cost report and analytics, from claude_parity.
select
    activity_date,
    'outside the Console' as cause,
    outside_console_usd as amount_usd
from ai_usage_analytics.claude_parity
union all
select
    activity_date,
    'Priority Tier' as cause,
    priority_tier_usd as amount_usd
from ai_usage_analytics.claude_parity
union all
select
    activity_date,
    'restated since' as cause,
    restatement_usd as amount_usd
from ai_usage_analytics.claude_parity
union all
select
    activity_date,
    'not settled yet' as cause,
    not_settled_usd as amount_usd
from ai_usage_analytics.claude_parity
union all
select
    activity_date,
    'rounding' as cause,
    rounding_usd as amount_usd
from ai_usage_analytics.claude_parity
union all
select
    activity_date,
    'unexplained' as cause,
    unexplained_usd as amount_usd
from ai_usage_analytics.claude_parity
