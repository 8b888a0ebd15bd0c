-- Claude's billed cost of each UTC day: one figure per day, to compare with the Console and the invoice.
-- A day is final once it has been pulled again 30 days later: until then the provider may restate it. A blocked day
-- keeps its last good version here.
--
-- grain: what Claude charged one account on one UTC day, on all platforms together; no row for a day without use
-- question: What did Claude charge on each day, all platforms together?
-- example: select expense_date, account, cost_usd, status from ai_usage_analytics.claude_total_expenses order by
--   expense_date
-- built: daily by expense_date
-- group: claude
-- blocked by: anthropic
-- columns:
--   expense_date date not null: the UTC day, as Anthropic has it
--   account string not null: the account at the provider
--   organization_id string not null: the Console organization
--   cost_usd numeric not null: billed, in USD
--   currency string not null: always USD
--   status string not null: provisional while Anthropic may still restate the day, then final; see settled_days
with costs as (
    select
        activity_date,
        account,
        organization_id,
        currency,
        sum(amount_usd) as cost_usd
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    group by activity_date, account, organization_id, currency
)

select
    costs.activity_date as expense_date,
    costs.account,
    costs.organization_id,
    costs.cost_usd,
    costs.currency,
    settled_days.status
from costs
inner join ai_usage_analytics.settled_days as settled_days
    on
        costs.activity_date = settled_days.activity_date
        and settled_days.provider = 'anthropic'
