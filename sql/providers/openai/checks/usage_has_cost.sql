-- Use of a priced meter without a cost line of its account's day, project, key, model and tier. What is free, and
-- storage, is not asked for. What may be billed as something else is only asked for where its model has no cost at all
-- on the day: audio and images as text, what was written to the cache as input, images and seconds as tokens. Where a
-- line of the project and key names no model and has no use of its own, it may be the cost of any use there.
with used as (
    select
        activity_date,
        account,
        project_id,
        api_key_id,
        user_id,
        model,
        model_alias,
        service_tier,
        meter,
        units,
        unit,
        meter in (
            'input_tokens', 'cached_input_tokens', 'output_tokens', 'model_use', 'web_search', 'file_search',
            'code_interpreter'
        ) as has_own_line
    from ai_usage_analytics.openai_used_units
    where
        activity_date between @first_day and @last_day
        and is_priced
),

billed_models as (
    select distinct
        activity_date,
        account,
        model_alias
    from ai_usage_analytics.openai_cost_lines
    where activity_date between @first_day and @last_day
),

billed_days as (
    select distinct
        activity_date,
        account
    from ai_usage_analytics.openai_cost_lines
    where activity_date between @first_day and @last_day
),

line_units as (
    select *
    from ai_usage_analytics.openai_line_units
    where activity_date between @first_day and @last_day
),

unclear_lines as (
    select distinct
        cost_lines.activity_date,
        cost_lines.account,
        coalesce(cost_lines.project_id, '') as project_id,
        coalesce(cost_lines.api_key_id, '') as api_key_id
    from ai_usage_analytics.openai_cost_lines as cost_lines
    left join line_units
        on
            cost_lines.activity_date = line_units.activity_date
            and cost_lines.account = line_units.account
            and cost_lines.line = line_units.line
    where
        cost_lines.activity_date between @first_day and @last_day
        and cost_lines.amount_usd > 0
        and cost_lines.model is null
        and line_units.line is null
)

select
    used.activity_date,
    used.account,
    used.project_id,
    used.model,
    used.service_tier,
    used.meter,
    used.unit,
    sum(used.units) as units,
    billed_days.account is null as is_whole_day_unbilled
from used
left join line_units
    on
        used.activity_date = line_units.activity_date
        and used.account = line_units.account
        and used.meter = line_units.meter
        and coalesce(used.project_id, '') = coalesce(line_units.project_id, '')
        and coalesce(used.api_key_id, '') = coalesce(line_units.api_key_id, '')
        and coalesce(used.user_id, '') = coalesce(line_units.user_id, '')
        and coalesce(used.model, '') = coalesce(line_units.model, '')
        and coalesce(used.service_tier, '') = coalesce(line_units.service_tier, '')
left join billed_models
    on
        used.activity_date = billed_models.activity_date
        and used.account = billed_models.account
        and used.model_alias = billed_models.model_alias
left join billed_days
    on
        used.activity_date = billed_days.activity_date
        and used.account = billed_days.account
left join unclear_lines
    on
        used.activity_date = unclear_lines.activity_date
        and used.account = unclear_lines.account
        and coalesce(used.project_id, '') = unclear_lines.project_id
        and coalesce(used.api_key_id, '') = unclear_lines.api_key_id
where
    line_units.line is null
    and unclear_lines.account is null
    and (used.has_own_line or billed_models.model_alias is null)
group by
    used.activity_date, used.account, used.project_id, used.model, used.service_tier, used.meter, used.unit,
    billed_days.account
order by used.activity_date asc, units desc, used.meter asc
