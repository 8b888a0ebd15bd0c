-- Days on which a provider's marts do not all say the same amount, be it in the ninth decimal. Of Claude: cost lines,
-- the day's total, expenses by platform, API expenses with the other platforms beside them, and ai_spend. Of Cursor:
-- what chargeable events were charged and seats, expenses, and ai_spend.
with amounts as (
    select
        activity_date,
        'anthropic' as provider,
        'core/claude_costs' as said_by,
        amount_usd as usd
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        'anthropic' as provider,
        'marts/claude_total_expenses' as said_by,
        cost_usd as usd
    from ai_usage_analytics.claude_total_expenses
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        'anthropic' as provider,
        'marts/claude_expenses' as said_by,
        cost_usd as usd
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day and is_in_cost_report
    union all
    select
        expense_date as activity_date,
        'anthropic' as provider,
        'marts/api_usage_expenses and beside' as said_by,
        coalesce(cost_usd, cast(0 as numeric)) as usd
    from ai_usage_analytics.api_usage_expenses
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        'anthropic' as provider,
        'marts/api_usage_expenses and beside' as said_by,
        cost_usd as usd
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day and is_in_cost_report and platform != 'claude_api'
    union all
    select
        spend_date as activity_date,
        'anthropic' as provider,
        'marts/ai_spend' as said_by,
        billed_usd as usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and provider = 'anthropic'
        and charge_type in ('usage', 'credit')
        and billed_usd is not null
    union all
    select
        expense_date as activity_date,
        'anthropic' as provider,
        'marts/ai_spend' as said_by,
        -cost_usd as usd
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day and not is_in_cost_report
    union all
    select
        activity_date,
        'cursor' as provider,
        'core/cursor_usage_events' as said_by,
        charged_usd as usd
    from ai_usage_analytics.cursor_usage_events
    where activity_date between @first_day and @last_day and is_chargeable
    union all
    select
        expense_date as activity_date,
        'cursor' as provider,
        'marts/cursor_expenses' as said_by,
        billed_usd as usd
    from ai_usage_analytics.cursor_expenses
    where expense_date between @first_day and @last_day and cost_type != 'subscription'
    union all
    select
        spend_date as activity_date,
        'cursor' as provider,
        'marts/ai_spend' as said_by,
        billed_usd as usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and provider = 'cursor'
        and charge_type in ('usage', 'credit')
        and billed_usd is not null
    union all
    select
        expense_date as activity_date,
        'cursor seats' as provider,
        'marts/cursor_expenses' as said_by,
        billed_usd as usd
    from ai_usage_analytics.cursor_expenses
    where expense_date between @first_day and @last_day and cost_type = 'subscription' and billed_usd is not null
    union all
    select
        spend_date as activity_date,
        'cursor seats' as provider,
        'marts/ai_spend' as said_by,
        billed_usd as usd
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and provider = 'cursor'
        and charge_type = 'subscription'
        and billed_usd is not null
),

sums as (
    select
        activity_date,
        provider,
        sum(if(said_by like 'core/%', usd, 0)) as core_usd,
        sum(if(said_by = 'marts/claude_total_expenses', usd, 0)) as total_usd,
        sum(if(said_by in ('marts/claude_expenses', 'marts/cursor_expenses'), usd, 0)) as expenses_usd,
        sum(if(said_by like 'marts/api_usage_expenses%', usd, 0)) as api_and_beside_usd,
        sum(if(said_by = 'marts/ai_spend', usd, 0)) as spend_usd
    from amounts
    group by activity_date, provider
)

select
    activity_date,
    provider,
    core_usd,
    total_usd,
    expenses_usd,
    api_and_beside_usd,
    spend_usd
from sums
where
    expenses_usd != spend_usd
    or (provider != 'cursor seats' and core_usd != expenses_usd)
    or (provider = 'anthropic' and (core_usd != total_usd or core_usd != api_and_beside_usd))
order by activity_date, provider
