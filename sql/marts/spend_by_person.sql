-- Each person's billed cost in each calendar month, by platform, and the providers' estimates of what the use of their
-- seats would cost: sums of ai_spend that dashboards read.
--
-- grain: one attribution method of one person's cost on one platform in one calendar month
-- question: What did each person cost in a month, by platform?
-- example: select user_email, platform, sum(billed_usd) as billed_usd from ai_usage_analytics.spend_by_person where
--   month = '2026-11' group by user_email, platform order by billed_usd desc
-- built: monthly by month_start
-- group: spend
-- columns:
--   month_start date not null: the first UTC day of the month
--   month string not null: YYYY-MM
--   provider string not null: as in dim_provider
--   platform string not null: as in ai_spend
--   user_email string: lower-case; null if unattributed
--   team_name string: as in ai_spend; null without one
--   cost_center string: as in ai_spend
--   charge_type string not null: usage, subscription or credit
--   attribution_method string not null: how the person was found, as in ai_spend
--   billed_usd numeric: billed cost; null if there are only estimates
--   estimated_usd numeric: the provider's estimate of what subscribers' use would cost; never added to billed_usd
--   list_usd numeric: the billed use at list price; null where the provider does not report it
--   is_provisional boolean not null: whether the provider may still restate a day of it
with sums as (
    select
        cast(date_trunc(spend_date, month) as date) as month_start,
        provider,
        platform,
        user_email,
        team_name,
        cost_center,
        charge_type,
        attribution_method,
        sum(billed_usd) as billed_usd,
        sum(estimated_usd) as estimated_usd,
        sum(list_usd) as list_usd,
        logical_or(status = 'provisional') as is_provisional
    from ai_usage_analytics.ai_spend
    where spend_date between @first_day and @last_day
    group by month_start, provider, platform, user_email, team_name, cost_center, charge_type, attribution_method
)

select
    month_start,
    format_date('%Y-%m', month_start) as month,
    provider,
    platform,
    user_email,
    team_name,
    cost_center,
    charge_type,
    attribution_method,
    billed_usd,
    estimated_usd,
    list_usd,
    is_provisional
from sums
