-- The use behind each cost line: units of its meter within its project, key, model and tier, as far as the line names
-- them. A line's model may be the alias of a dated snapshot: use goes to the line of its very model, else to that of
-- the alias, else to one without a model. Use of a tier without a line of its own is in the line of the default tier.
--
-- grain: the use of one model and tier by one key and user, behind one cost line
-- step of: openai_cost_shares
-- built: view
-- group: openai
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   line integer not null: as in openai_cost_lines
--   project_id string: as in openai_used_units, as is all that follows
--   api_key_id string: null without a key
--   user_id string: null for a service account
--   model string: lower-case
--   service_tier string: null where the report does not have it
--   meter string not null: as in openai_costs
--   units integer: in `unit`
--   unit string: tokens, requests, and so on
with candidates as (
    select
        used.activity_date,
        used.account,
        cost_lines.line,
        used.project_id,
        used.api_key_id,
        used.user_id,
        used.model,
        used.service_tier,
        used.meter,
        used.units,
        used.unit,
        dense_rank() over (
            partition by
                used.activity_date, used.account, used.project_id, used.api_key_id, used.user_id, used.model,
                used.service_tier, used.meter
            order by
                case
                    when cost_lines.model is null then 2
                    when lower(cost_lines.model) = used.model then 0
                    else 1
                end,
                if(cost_lines.service_tier = coalesce(used.service_tier, cost_lines.service_tier), 0, 1)
        ) as place
    from ai_usage_analytics.openai_used_units as used
    inner join ai_usage_analytics.openai_cost_lines as cost_lines
        on
            used.activity_date = cost_lines.activity_date
            and used.account = cost_lines.account
            and used.meter = cost_lines.meter
            and (not cost_lines.has_projects or coalesce(used.project_id, '') = coalesce(cost_lines.project_id, ''))
            and (
                not cost_lines.has_keys
                or not used.has_keys
                or coalesce(used.api_key_id, '') = coalesce(cost_lines.api_key_id, '')
            )
            and (
                cost_lines.model is null
                or lower(cost_lines.model) in (used.model, used.model_alias)
                or used.model = cost_lines.model_alias
            )
            and (used.service_tier is null or cost_lines.service_tier in (used.service_tier, 'default'))
)

select
    activity_date,
    account,
    line,
    project_id,
    api_key_id,
    user_id,
    model,
    service_tier,
    meter,
    units,
    unit
from candidates
where place = 1
