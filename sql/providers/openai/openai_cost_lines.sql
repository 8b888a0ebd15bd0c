-- The cost report's lines as things to allocate: results with equal dimensions are added, and quantities are in plain
-- units. A result without an amount is no line: nothing is billed for it.
--
-- grain: one line of the cost report: a line item of one project and key, as far as the costs are grouped by them
-- step of: openai_cost_shares
-- built: view
-- group: openai
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   line integer not null: the number of the line, within the account's day
--   organization_id string: as sent; null where it is not
--   project_id string: null where the line names no project
--   api_key_id string: null where the line names no key
--   line_item string: as sent; null where costs are not grouped by line item
--   model string: as in openai_costs
--   model_alias string: the model in lower case, without the date of its snapshot
--   meter string not null: as in openai_costs
--   service_tier string not null: default where the line names none
--   has_projects boolean not null: the costs are grouped by project
--   has_keys boolean not null: the costs are grouped by key
--   amount_usd numeric not null: billed, in USD
--   quantity numeric: in `unit`; null where it is not known
--   unit string: tokens, requests, images, characters, seconds, sessions, gibibyte_hours, or as sent
--   is_only boolean not null: no other line has its project, key, model, meter and tier
with plain as (
    select
        activity_date,
        account,
        organization_id,
        project_id,
        api_key_id,
        line_item,
        model,
        meter,
        grouped_by,
        amount_usd,
        coalesce(lower(service_tier), 'default') as service_tier,
        case lower(quantity_unit)
            when '1000_tokens' then 'tokens'
            when 'duration_seconds' then 'seconds'
            when 'duration_minutes' then 'seconds'
            when 'duration_hours' then 'seconds'
            else
                coalesce(
                    lower(quantity_unit),
                    case meter
                        when 'web_search' then 'requests'
                        when 'file_search' then 'requests'
                        when 'code_interpreter' then 'sessions'
                    end
                )
        end as unit,
        cast(
            quantity
            * case lower(quantity_unit)
                when '1000_tokens' then 1000
                when 'duration_minutes' then 60
                when 'duration_hours' then 3600
                else 1
            end as numeric
        ) as quantity
    from ai_usage_analytics.openai_costs
    where amount_usd is not null
),

added as (
    select
        activity_date,
        account,
        organization_id,
        project_id,
        api_key_id,
        line_item,
        model,
        meter,
        service_tier,
        grouped_by,
        sum(amount_usd) as amount_usd,
        if(count(quantity) = count(*) and min(unit) = max(unit) and count(unit) = count(*), sum(quantity), null)
            as quantity,
        max(unit) as unit
    from plain
    group by
        activity_date, account, organization_id, project_id, api_key_id, line_item, model, meter, service_tier,
        grouped_by
)

select
    activity_date,
    account,
    row_number() over (
        partition by activity_date, account
        order by
            organization_id, project_id, api_key_id, line_item, model, meter, service_tier, grouped_by
    ) as line,
    organization_id,
    project_id,
    api_key_id,
    line_item,
    model,
    regexp_replace(lower(model), r'-(20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4})$', '') as model_alias,
    meter,
    service_tier,
    project_id is not null or grouped_by like '%project_id%' as has_projects,
    api_key_id is not null or grouped_by like '%api_key_id%' as has_keys,
    amount_usd,
    quantity,
    if(quantity is null, null, unit) as unit,
    count(*) over (
        partition by activity_date, account, project_id, api_key_id, lower(model), meter, service_tier
    ) = 1 as is_only
from added
