-- The amount and number of rows of each table for an account's day at Claude: cost lines, the day's total, expenses by
-- platform, API expenses together with the other platforms, and ai_spend. A table without an amount has only rows. Each
-- table has a row for each day, even an empty one.
with stated as (
    select
        activity_date,
        account,
        'usage' as amount_of,
        'core/claude_costs' as stated_by,
        amount_usd as usd,
        1 as row_count
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/claude_total_expenses' as stated_by,
        cost_usd as usd,
        1 as row_count
    from ai_usage_analytics.claude_total_expenses
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/claude_expenses' as stated_by,
        if(is_in_cost_report, cost_usd, cast(0 as numeric)) as usd,
        1 as row_count
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/api_usage_expenses with what is beside' as stated_by,
        coalesce(cost_usd, cast(0 as numeric)) as usd,
        1 as row_count
    from ai_usage_analytics.api_usage_expenses
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/api_usage_expenses with what is beside' as stated_by,
        cost_usd as usd,
        1 as row_count
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day and is_in_cost_report and platform != 'claude_api'
    union all
    select
        spend_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/ai_spend' as stated_by,
        billed_usd as usd,
        1 as row_count
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and provider = 'anthropic'
        and charge_type in ('usage', 'credit')
        and billed_usd is not null
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/ai_spend' as stated_by,
        -cost_usd as usd,
        0 as row_count
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day and not is_in_cost_report
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/claude_cost_shares' as stated_by,
        cast(null as numeric) as usd,
        1 as row_count
    from ai_usage_analytics.claude_cost_shares
    where expense_date between @first_day and @last_day
    union all
    select
        expense_date as activity_date,
        account,
        'usage' as amount_of,
        'marts/claude_attributed_costs' as stated_by,
        cast(null as numeric) as usd,
        1 as row_count
    from ai_usage_analytics.claude_attributed_costs
    where expense_date between @first_day and @last_day
    union all
    select
        activity_date,
        cast(null as string) as account,
        'usage' as amount_of,
        stated_by,
        cast(0 as numeric) as usd,
        0 as row_count
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
    cross join
        unnest([
            'core/claude_costs', 'marts/claude_total_expenses', 'marts/claude_expenses',
            'marts/api_usage_expenses with what is beside', 'marts/ai_spend'
        ]) as stated_by
    union all
    select
        activity_date,
        cast(null as string) as account,
        'usage' as amount_of,
        stated_by,
        cast(null as numeric) as usd,
        0 as row_count
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
    cross join unnest(['marts/claude_cost_shares', 'marts/claude_attributed_costs']) as stated_by
)

select
    activity_date,
    account,
    amount_of,
    stated_by,
    sum(usd) as usd,
    sum(row_count) as row_count
from stated
group by activity_date, account, amount_of, stated_by
order by activity_date, account, amount_of, stated_by
