-- What OpenAI billed, by person, key and project: ai_spend has the sums of these rows. The person is the key's owner on
-- that day in the sheet, else the key's owner at OpenAI; where there is neither, the user that the usage report names.
--
-- grain: one line item's cost of one person or key of one project on one UTC day
-- question: Which person or key caused an OpenAI cost?
-- example: select activity_date, user_email, api_key_id, line_item, amount_usd, attribution_method from
--   ai_usage_analytics.openai_attributed_costs order by amount_usd desc
-- built: daily by activity_date
-- group: openai
-- cluster: user_email, api_key_id
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   organization_id string: as sent; null where it is not
--   project_id string: null where neither the cost nor the use names a project
--   api_key_id string: null without a key
--   user_email string: the person, by one address, lower-case; null where no person is known
--   team_name string: as the sheet has the key's team on that day, else the person's
--   line_item string: as sent; null where costs are not grouped by line item
--   model string: as in openai_costs
--   meter string not null: as in openai_costs
--   service_tier string not null: default where the line names none
--   allocation_method string not null: measured, allocated or unallocated, as in openai_cost_shares
--   attribution_method string not null: how the person was found: key_sheet, key_creator, actor or unattributed
--   amount_usd numeric not null: billed, in USD
--   quantity numeric: in `unit`; null where nothing counts it
--   unit string: tokens, requests, images, …; null without a quantity
with owned as (
    select
        shares.activity_date,
        shares.account,
        shares.organization_id,
        shares.project_id,
        shares.api_key_id,
        shares.line_item,
        shares.model,
        shares.meter,
        shares.service_tier,
        shares.allocation_method,
        shares.amount_usd,
        shares.quantity,
        shares.unit,
        owners.team_name as key_team,
        if(
            coalesce(owners.mapped_by, 'none') = 'none', users.person_email, owners.user_email
        ) as user_email,
        case
            when owners.mapped_by = 'sheet' then 'key_sheet'
            when owners.mapped_by = 'key_creator' then 'key_creator'
            when users.person_email is not null then 'actor'
            else 'unattributed'
        end as attribution_method
    from ai_usage_analytics.openai_cost_shares as shares
    left join ai_usage_analytics.dim_api_key_mapping as owners
        on
            shares.api_key_id = owners.api_key_id
            and owners.provider = 'openai'
            and shares.activity_date >= coalesce(owners.valid_from, date '0001-01-01')
            and shares.activity_date < coalesce(owners.valid_to, date '9999-12-31')
    left join ai_usage_analytics.openai_users as users
        on
            shares.account = users.account
            and shares.user_id = users.user_id
    where shares.activity_date between @first_day and @last_day
)

select
    owned.activity_date,
    owned.account,
    owned.organization_id,
    owned.project_id,
    owned.api_key_id,
    coalesce(people.person_email, owned.user_email) as user_email,
    coalesce(owned.key_team, people.team_name) as team_name,
    owned.line_item,
    owned.model,
    owned.meter,
    owned.service_tier,
    owned.allocation_method,
    owned.attribution_method,
    sum(owned.amount_usd) as amount_usd,
    if(count(owned.quantity) = count(*), sum(owned.quantity), null) as quantity,
    if(count(owned.quantity) = count(*), owned.unit, null) as unit
from owned
left join ai_usage_analytics.dim_person as people on owned.user_email = people.user_email
group by
    owned.activity_date, owned.account, owned.organization_id, owned.project_id, owned.api_key_id,
    people.person_email, owned.user_email, owned.key_team, people.team_name, owned.line_item, owned.model,
    owned.meter, owned.service_tier, owned.allocation_method, owned.attribution_method, owned.unit
