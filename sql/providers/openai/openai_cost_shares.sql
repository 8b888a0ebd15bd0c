-- The key and user of each cost line. A line that names its key is measured. Any other is allocated by the units
-- of its meter, rounded down to the nano-dollar; the nano-dollars that are left go to the largest remainders, one each,
-- so that the shares of a line add up exactly to it. A line without use behind it stays whole on its project.
--
-- grain: one key's or user's share of one cost line on one UTC day
-- question: Which share of an OpenAI cost line belongs to which key or user?
-- example: select activity_date, api_key_id, user_id, allocation_method, sum(amount_usd) as amount_usd from
--   ai_usage_analytics.openai_cost_shares group by activity_date, api_key_id, user_id, allocation_method order by
--   amount_usd desc
-- built: daily by activity_date
-- group: openai
-- blocked by: openai
-- cluster: project_id, api_key_id
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   line integer not null: as in openai_cost_lines
--   organization_id string: as sent; null where it is not
--   project_id string: the line's, else that of the use; null where neither names one
--   api_key_id string: null without a key
--   user_id string: of an allocated share; null where the usage report names none
--   line_item string: as sent; null where costs are not grouped by line item
--   model string: as in openai_costs
--   meter string not null: as in openai_costs
--   service_tier string not null: default where the line names none
--   allocation_method string not null: measured (the line names its key), allocated (by use), or unallocated (the line
--     stays whole on its project)
--   amount_usd numeric not null: the share, in USD
--   quantity numeric: the share's units, as the cost report has them, else the usage report; null where neither does
--   unit string: tokens, requests, images, …; null without a quantity
with cost_lines as (
    select *
    from ai_usage_analytics.openai_cost_lines
    where activity_date between @first_day and @last_day
),

payers as (
    select
        activity_date,
        account,
        line,
        project_id,
        api_key_id,
        user_id,
        unit,
        sum(units) as units
    from ai_usage_analytics.openai_line_units
    where activity_date between @first_day and @last_day
    group by activity_date, account, line, project_id, api_key_id, user_id, unit
),

-- A measured line has one payer, whatever users its key has; so has a line without use behind it.
weighed as (
    select
        cost_lines.*,
        if(cost_lines.api_key_id is null, payers.api_key_id, cost_lines.api_key_id) as payer_key_id,
        if(cost_lines.api_key_id is null, payers.user_id, null) as payer_user_id,
        coalesce(cost_lines.project_id, payers.project_id) as payer_project_id,
        max(payers.unit) as used_unit,
        sum(payers.units) as units,
        coalesce(sum(payers.units), 1) as weight
    from cost_lines
    left join payers
        on
            cost_lines.activity_date = payers.activity_date
            and cost_lines.account = payers.account
            and cost_lines.line = payers.line
    group by
        cost_lines.activity_date, cost_lines.account, cost_lines.line, cost_lines.organization_id,
        cost_lines.project_id, cost_lines.api_key_id, cost_lines.line_item, cost_lines.model, cost_lines.model_alias,
        cost_lines.meter, cost_lines.service_tier, cost_lines.has_projects, cost_lines.has_keys,
        cost_lines.amount_usd, cost_lines.quantity, cost_lines.unit, cost_lines.is_only, payer_key_id, payer_user_id,
        payer_project_id
),

totals as (
    select
        weighed.*,
        cast(amount_usd * 1000000000 as int64) as line_nano_usd,
        cast(sum(weight) over (partition by activity_date, account, line) as int64) as line_weight
    from weighed
),

-- Rounded down in floating point, which may be off by one; the exact remainder shows that and corrects it.
floored as (
    select
        totals.*,
        cast(floor(
            cast(line_nano_usd as float64) * cast(weight as float64) / cast(line_weight as float64)
        ) as int64) as nano_usd
    from totals
),

remainders as (
    select
        floored.*,
        cast(cast(line_weight as numeric) * cast('0.000000001' as numeric) as numeric) as one_nano,
        amount_usd * weight
        - cast(cast(nano_usd as numeric) * cast('0.000000001' as numeric) as numeric) * line_weight as remainder
    from floored
),

corrected as (
    select
        remainders.* except (nano_usd, remainder),
        nano_usd + case when remainder < 0 then -1 when remainder >= one_nano then 1 else 0 end as nano_usd,
        case
            when remainder < 0 then remainder + one_nano
            when remainder >= one_nano then remainder - one_nano
            else remainder
        end as remainder
    from remainders
),

ranked as (
    select
        corrected.*,
        line_nano_usd
        - cast(sum(nano_usd) over (partition by activity_date, account, line) as int64) as left_nano_usd,
        row_number() over (
            partition by activity_date, account, line
            order by remainder desc, payer_project_id asc, payer_key_id asc, payer_user_id asc
        ) as place
    from corrected
)

select
    activity_date,
    account,
    line,
    organization_id,
    payer_project_id as project_id,
    payer_key_id as api_key_id,
    payer_user_id as user_id,
    line_item,
    model,
    meter,
    service_tier,
    case
        when api_key_id is not null then 'measured'
        when payer_key_id is not null or payer_user_id is not null or not has_projects and units is not null
            then 'allocated'
        else 'unallocated'
    end as allocation_method,
    cast(
        cast(nano_usd + if(place <= left_nano_usd, 1, 0) as numeric) * cast('0.000000001' as numeric) as numeric
    ) as amount_usd,
    case
        when quantity is null and is_only then cast(units as numeric)
        when weight = line_weight then quantity
        else
            cast(round(
                cast(quantity as float64) * cast(weight as float64) / cast(line_weight as float64), 3
            ) as numeric)
    end as quantity,
    if(quantity is null, if(is_only and units is not null, used_unit, null), unit) as unit
from ranked
