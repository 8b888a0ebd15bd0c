-- The amount and number of rows of each table for an account's day at OpenAI: cost lines, their shares, the shares with
-- their people, and ai_spend. Each table has a row for each day, even an empty one. Seats of the sheet are only in
-- ai_spend.
with stated as (
    select
        activity_date,
        account,
        'core/openai_costs' as stated_by,
        amount_usd as usd,
        1 as row_count
    from ai_usage_analytics.openai_costs
    where activity_date between @first_day and @last_day and amount_usd is not null
    union all
    select
        activity_date,
        account,
        'marts/openai_cost_shares' as stated_by,
        amount_usd as usd,
        1 as row_count
    from ai_usage_analytics.openai_cost_shares
    where activity_date between @first_day and @last_day
    union all
    select
        activity_date,
        account,
        'marts/openai_attributed_costs' as stated_by,
        amount_usd as usd,
        1 as row_count
    from ai_usage_analytics.openai_attributed_costs
    where activity_date between @first_day and @last_day
    union all
    select
        spend_date as activity_date,
        account,
        'marts/ai_spend' as stated_by,
        billed_usd as usd,
        1 as row_count
    from ai_usage_analytics.ai_spend
    where
        spend_date between @first_day and @last_day
        and provider = 'openai'
        and charge_type in ('usage', 'credit')
        and billed_usd is not null
    union all
    select
        activity_date,
        cast(null as string) as account,
        stated_by,
        cast(0 as numeric) as usd,
        0 as row_count
    from unnest(generate_date_array(@first_day, @last_day)) as activity_date
    cross join
        unnest([
            'core/openai_costs', 'marts/openai_cost_shares', 'marts/openai_attributed_costs', 'marts/ai_spend'
        ]) as stated_by
)

select
    activity_date,
    account,
    'usage' as amount_of,
    stated_by,
    sum(usd) as usd,
    sum(row_count) as row_count
from stated
group by activity_date, account, stated_by
order by activity_date, account, stated_by
