-- Days of an account on which Claude's cost lines differ from the Console's own ungrouped figure, even in the ninth
-- decimal. Amounts in another currency than USD are compared as billed: the conversion rounds each line. A day with a
-- rejected cost line is not evaluated: records_are_readable names it. Usage without cost is wrong too; a day without
-- cost, figure and usage is idle. Only amounts with more than nine decimals of a dollar were rounded: each allows 1e-9
-- of difference.
with lines as (
    select
        account,
        activity_date,
        sum(coalesce(billed_amount, amount_usd)) as lines_usd
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    group by account, activity_date
),

console as (
    select
        account,
        activity_date,
        sum(coalesce(billed_amount, amount_usd)) as console_usd
    from ai_usage_analytics.claude_daily_cost
    where activity_date between @first_day and @last_day
    group by account, activity_date
),

billable_usage as (
    select
        account,
        activity_date,
        sum(uncached_input_tokens + output_tokens) as tokens
    from ai_usage_analytics.claude_usage_tokens
    where
        activity_date between @first_day and @last_day
        and coalesce(service_tier, '') not like 'priority%'
    group by account, activity_date
),

versions as (
    select distinct
        account,
        activity_date,
        pull_id
    from ai_usage_analytics.claude_costs
    where activity_date between @first_day and @last_day
    union distinct
    select distinct
        account,
        activity_date,
        pull_id
    from ai_usage_analytics.claude_daily_cost
    where activity_date between @first_day and @last_day
),

records as (
    select
        pull_id,
        activity_date,
        record
    from ai_usage_raw.claude_cost_report
    where activity_date between @first_day and @last_day
    union all
    select
        pull_id,
        activity_date,
        record
    from ai_usage_raw.claude_cost_totals
    where activity_date between @first_day and @last_day
),

rounded as (
    select
        versions.account,
        records.activity_date,
        cast(count(*) as numeric) * cast('0.000000001' as numeric) as allowed_usd
    from records
    inner join versions on records.pull_id = versions.pull_id and records.activity_date = versions.activity_date
    where regexp_contains(json_value(records.record, '$.amount'), r'[.][0-9]{7}[0-9]*[1-9]|[eE]-')
    group by versions.account, records.activity_date
),

newest as (
    select
        pull,
        account,
        activity_date,
        records_pull_id
    from ai_usage_raw.pulls
    where
        pull in ('claude_cost_report', 'claude_cost_totals')
        and activity_date between @first_day and @last_day
    qualify row_number() over (
        partition by pull, account, activity_date order by pulled_at desc, pull_id desc
    ) = 1
),

unreadable as (
    select distinct
        rejections.account,
        rejections.activity_date
    from ai_usage_analytics.record_rejections as rejections
    inner join newest
        on
            rejections.pull = newest.pull
            and rejections.account = newest.account
            and rejections.activity_date = newest.activity_date
            and rejections.pull_id = newest.records_pull_id
),

days as (
    select
        account,
        activity_date
    from lines
    union distinct
    select
        account,
        activity_date
    from console
    union distinct
    select
        account,
        activity_date
    from billable_usage
)

select
    days.activity_date,
    days.account,
    lines.lines_usd,
    console.console_usd,
    billable_usage.tokens as billable_tokens,
    coalesce(lines.lines_usd, 0) - coalesce(console.console_usd, 0) as difference_usd
from days
left join lines on days.account = lines.account and days.activity_date = lines.activity_date
left join console on days.account = console.account and days.activity_date = console.activity_date
left join billable_usage
    on days.account = billable_usage.account and days.activity_date = billable_usage.activity_date
left join rounded on days.account = rounded.account and days.activity_date = rounded.activity_date
left join unreadable on days.account = unreadable.account and days.activity_date = unreadable.activity_date
where
    unreadable.activity_date is null
    and (
        abs(coalesce(lines.lines_usd, 0) - coalesce(console.console_usd, 0)) > coalesce(rounded.allowed_usd, 0)
        or (lines.lines_usd is null) != (console.console_usd is null)
        or (lines.lines_usd is null and billable_usage.tokens > 0)
    )
order by days.activity_date
