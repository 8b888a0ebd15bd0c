-- Days on which core has something and a mart that is judged has nothing: each claim about that mart would be true of
-- nothing. And days that were pulled, whose money is in none of ai_spend though core has it.
with fed as (
    select
        activity_date,
        'anthropic' as provider,
        count(*) as core_rows
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    group by activity_date
    union all
    select
        activity_date,
        'cursor' as provider,
        count(*) as core_rows
    from ai_usage_analytics.cursor_usage_events
    where activity_date between @first_day and @last_day and is_chargeable
    group by activity_date
),

wanted as (
    select
        'anthropic' as provider,
        table_name
    from
        unnest([
            'claude_total_expenses', 'claude_cost_shares', 'claude_attributed_costs', 'claude_expenses', 'ai_spend'
        ]) as table_name
    union all
    select
        'cursor' as provider,
        table_name
    from unnest(['cursor_expenses', 'ai_spend']) as table_name
),

built as (
    select
        'claude_total_expenses' as table_name,
        'anthropic' as provider,
        expense_date as activity_date
    from ai_usage_analytics.claude_total_expenses
    where expense_date between @first_day and @last_day
    union distinct
    select
        'claude_cost_shares' as table_name,
        'anthropic' as provider,
        expense_date as activity_date
    from ai_usage_analytics.claude_cost_shares
    where expense_date between @first_day and @last_day
    union distinct
    select
        'claude_attributed_costs' as table_name,
        'anthropic' as provider,
        expense_date as activity_date
    from ai_usage_analytics.claude_attributed_costs
    where expense_date between @first_day and @last_day
    union distinct
    select
        'claude_expenses' as table_name,
        'anthropic' as provider,
        expense_date as activity_date
    from ai_usage_analytics.claude_expenses
    where expense_date between @first_day and @last_day
    union distinct
    select
        'cursor_expenses' as table_name,
        'cursor' as provider,
        expense_date as activity_date
    from ai_usage_analytics.cursor_expenses
    where expense_date between @first_day and @last_day and cost_type != 'subscription'
    union distinct
    select
        'ai_spend' as table_name,
        provider,
        spend_date as activity_date
    from ai_usage_analytics.ai_spend
    where spend_date between @first_day and @last_day and charge_type in ('usage', 'credit') and billed_usd is not null
)

select
    fed.activity_date,
    fed.provider,
    wanted.table_name,
    fed.core_rows
from fed
inner join wanted on fed.provider = wanted.provider
left join built
    on
        fed.activity_date = built.activity_date
        and fed.provider = built.provider
        and wanted.table_name = built.table_name
where built.table_name is null
order by fed.activity_date, fed.provider, wanted.table_name
