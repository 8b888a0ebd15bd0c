-- Billed cost without seats; a team has no sub-accounts.
select
    expense_date as activity_date,
    account,
    true as is_whole,
    cast(null as string) as sub_account,
    billed_usd as usd
from ai_usage_analytics.cursor_expenses
where cost_type != 'subscription'
