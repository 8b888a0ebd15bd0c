-- The amount and number of rows of each table for an account's day at Cursor: chargeable events, expenses and ai_spend;
-- seats separately. Each table has a row for each day, even an empty one.
with stated as (
    select
        activity_date,
        account,
        'usage' as amount_of,
        'core/cursor_usage_events' as stated_by,
        charged_usd as usd,
        1 as row_count
    from ai_usage_analytics.cursor_usage_events
    where activity_date between @first_day and @last_day and is_chargeable
    union all
    select
        expense_date as activity_date,
        account,
        if(cost_type = 'subscription', 'subscription', 'usage') as amount_of,
        'marts/cursor_expenses' as stated_by,
        billed_usd as usd,
        1 as row_count
    from ai_usage_analytics.cursor_expenses
    where expense_date between @first_day and @last_day and (cost_type != 'subscription' or billed_usd is not null)
    union all
    select
        spend_date as activity_date,
        account,
        if(charge_type = 'subscription', 'subscription', 'usage') as amount_of,
        'marts/ai_spend' as stated_by,
        billed_usd as usd,
        1 as row_count
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and provider = 'cursor'
        and charge_type in ('usage', 'credit', 'subscription')
        and billed_usd is not null
    union all
    select
        activity_date,
        cast(null as string) as account,
        'usage' as amount_of,
        stated_by,
        cast(0 as numeric) as usd,
        0 as row_count
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
    cross join unnest(['core/cursor_usage_events', 'marts/cursor_expenses', 'marts/ai_spend']) as stated_by
    union all
    select
        activity_date,
        cast(null as string) as account,
        'subscription' as amount_of,
        stated_by,
        cast(0 as numeric) as usd,
        0 as row_count
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
    cross join unnest(['marts/cursor_expenses', 'marts/ai_spend']) as stated_by
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
