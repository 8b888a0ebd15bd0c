-- Tokens that Cloud Monitoring counted beside those that were billed, by project and direction, on each day of which
-- the bill was pulled. The free tier is never billed. What was not measured, or not billed, is null.
with counts as (
    select
        activity_date,
        account,
        project_id,
        platform,
        meter as direction,
        quantity as measured_tokens,
        cast(null as int64) as billed_tokens
    from ai_usage_analytics.gemini_usage
    where
        activity_date between @first_day and @last_day
        and meter in ('input_tokens', 'output_tokens')
        and coalesce(tier, '') != 'free_tier'
    union all
    select
        activity_date,
        account,
        project_id,
        platform,
        if(ends_with(meter, 'output_tokens'), 'output_tokens', 'input_tokens') as direction,
        cast(null as int64) as measured_tokens,
        cast(quantity as int64) as billed_tokens
    from ai_usage_analytics.gemini_costs
    where
        activity_date between @first_day and @last_day
        and platform in ('gemini_api', 'vertex_ai')
        and charge_type = 'usage'
        and unit = 'tokens'
        and project_id is not null
),

pulled_days as (
    select distinct
        activity_date,
        account
    from ai_usage_analytics.gemini_daily_cost
    where activity_date between @first_day and @last_day
)

select
    counts.activity_date,
    counts.account,
    counts.project_id,
    counts.platform,
    counts.direction,
    sum(counts.measured_tokens) as measured_tokens,
    sum(counts.billed_tokens) as billed_tokens
from counts
inner join pulled_days on counts.activity_date = pulled_days.activity_date and counts.account = pulled_days.account
group by counts.activity_date, counts.account, counts.project_id, counts.platform, counts.direction
order by counts.activity_date, counts.account, counts.project_id, counts.platform, counts.direction
