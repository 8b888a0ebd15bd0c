-- Tokens that Cloud Monitoring counted beside those that were billed, by project and direction, on each day of which
-- the bill was pulled. The free tier is never billed: neither are the output tokens, which have no tier, of a project
-- that used no other. Of Vertex AI only Gemini's models are compared. What was not measured, or not billed, is null.
with paid as (
    select distinct
        activity_date,
        account,
        project_id
    from ai_usage_analytics.gemini_usage
    where
        activity_date between @first_day and @last_day
        and tier != 'free_tier'
        and quantity > 0
),

counts as (
    select
        used.activity_date,
        used.account,
        used.project_id,
        used.platform,
        used.meter as direction,
        used.quantity as measured_tokens,
        cast(null as int64) as billed_tokens
    from ai_usage_analytics.gemini_usage as used
    left join paid
        on
            used.activity_date = paid.activity_date
            and used.account = paid.account
            and used.project_id = paid.project_id
    where
        used.activity_date between @first_day and @last_day
        and used.meter in ('input_tokens', 'output_tokens')
        and coalesce(used.tier, '') != 'free_tier'
        and if(used.platform = 'vertex_ai', starts_with(used.model, 'gemini'), paid.project_id is not null)
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
        and (platform = 'gemini_api' or (platform = 'vertex_ai' and starts_with(model, 'gemini')))
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
