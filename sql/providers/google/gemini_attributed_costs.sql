-- What Google billed for AI, without tax, by project, and by the person and team that a label names: ai_spend has
-- the sums of these rows. A label can hold no @ and no dot: a person is found by the address with hyphens in place of
-- these, or by the part before the @ where only one person has it. A team is found by its name with hyphens, else the
-- label's own text is the team. Costs without such a label stay on their project.
--
-- grain: one SKU's cost, or its credits of a type, of one project and label on one invoice of one UTC day
-- question: Which project, team and person caused a Google cost, by SKU?
-- example: select activity_date, project_id, team_name, sku_name, amount_usd, attribution_method from
--   ai_usage_analytics.gemini_attributed_costs order by amount_usd desc
-- built: daily by activity_date
-- group: google
-- blocked by: google
-- cluster: platform, project_id
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   billing_account_id string not null: as sent; the account's name where it is not
--   project_id string: null for subscriptions and some adjustments
--   platform string not null: as in ai_spend
--   user_email string: the person, by one address, lower-case; null where no label names one
--   team_name string: as the label has it, else the person's; null where neither is known
--   sku_name string: as sent
--   model string: as in gemini_costs
--   meter string not null: as in gemini_costs
--   service_tier string: as in gemini_costs
--   charge_type string not null: usage, subscription or credit
--   credit_type string: of a credit: PROMOTION, DISCOUNT, …
--   invoice_month string: YYYYMM, as sent
--   attribution_method string not null: actor where a label names a person, else unattributed
--   billed_amount numeric not null: in billed_currency
--   billed_currency string not null: of the billing account
--   amount_usd numeric not null: billed, in USD, by the rate of each row of the export
--   list_usd numeric: the use at list price; null for credits and where it is not sent
--   quantity numeric: in `unit`; null for credits and where nothing counts it
--   unit string: as in gemini_costs
with addresses as (
    select distinct
        person_email,
        regexp_replace(lower(user_email), r'[^a-z0-9]+', '-') as address_key,
        regexp_replace(lower(split(user_email, '@')[safe_offset(0)]), r'[^a-z0-9]+', '-') as name_key
    from ai_usage_analytics.dim_person
),

keys as (
    select
        address_key as person_key,
        1 as precedence,
        min(person_email) as person_email
    from addresses
    group by address_key
    having min(addresses.person_email) = max(addresses.person_email)
    union all
    select
        name_key as person_key,
        2 as precedence,
        min(person_email) as person_email
    from addresses
    group by name_key
    having min(addresses.person_email) = max(addresses.person_email)
),

persons as (
    select
        keys.person_key,
        keys.person_email,
        people.team_name
    from keys
    left join ai_usage_analytics.dim_person as people on keys.person_email = people.user_email
    qualify row_number() over (partition by keys.person_key order by keys.precedence) = 1
),

teams as (
    select
        regexp_replace(lower(team_name), r'[^a-z0-9]+', '-') as team_key,
        min(team_name) as team_name
    from ai_usage_analytics.dim_person
    where team_name is not null
    group by team_key
),

costs as (
    select
        *,
        regexp_replace(lower(user_name), r'[^a-z0-9]+', '-') as person_key,
        regexp_replace(lower(label_team), r'[^a-z0-9]+', '-') as team_key
    from ai_usage_analytics.gemini_costs
    where
        activity_date between @first_day and @last_day
        and platform is not null
)

select
    costs.activity_date,
    costs.account,
    coalesce(costs.billing_account_id, concat('google-', costs.account)) as billing_account_id,
    costs.project_id,
    costs.platform,
    persons.person_email as user_email,
    coalesce(teams.team_name, costs.label_team, persons.team_name) as team_name,
    costs.sku_name,
    costs.model,
    costs.meter,
    costs.service_tier,
    costs.charge_type,
    costs.credit_type,
    costs.invoice_month,
    if(persons.person_email is null, 'unattributed', 'actor') as attribution_method,
    sum(costs.billed_amount) as billed_amount,
    costs.billed_currency,
    sum(costs.amount_usd) as amount_usd,
    if(count(costs.list_usd) = count(*), sum(costs.list_usd), null) as list_usd,
    if(count(costs.quantity) = count(*), sum(costs.quantity), null) as quantity,
    if(count(costs.quantity) = count(*), costs.unit, null) as unit
from costs
left join persons on costs.person_key = persons.person_key
left join teams on costs.team_key = teams.team_key
group by
    costs.activity_date, costs.account, costs.billing_account_id, costs.project_id, costs.platform,
    persons.person_email, teams.team_name, costs.label_team, persons.team_name, costs.sku_name, costs.model,
    costs.meter, costs.service_tier, costs.charge_type, costs.credit_type, costs.invoice_month,
    costs.billed_currency, costs.unit
