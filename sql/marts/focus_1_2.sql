-- Billed cost of AI tools, seats included, in the FOCUS 1.2 format (FinOps Open Cost and Usage Specification), for
-- tools that read every provider's bill in that format. Only billed cost is included: no estimates, and no seats of
-- unknown price. The sum of x_BilledCostUsd equals that of ai_spend exactly, and so does that of BilledCost where each
-- bill is in USD. docs/focus.md explains how each column is filled, and why.
--
-- grain: one billed row of ai_spend: a day, sub account, key, person, model and meter
-- question: What does the bill look like in FOCUS 1.2, for other FinOps tools?
-- example: select ServiceName, ChargeCategory, sum(BilledCost) as billed_cost from ai_usage_analytics.focus_1_2
--   group by ServiceName, ChargeCategory order by billed_cost desc
-- built: view
-- group: spend
-- columns:
--   BilledCost numeric not null: what the provider charged, in BillingCurrency
--   EffectiveCost numeric not null: as BilledCost: nothing here is paid ahead, a seat is already spread over its days
--   ListCost numeric not null: at the published price where that is known (x_ListCostBasis), else as BilledCost
--   ContractedCost numeric not null: as BilledCost: no provider reports a negotiated price apart
--   BillingCurrency string not null: the currency of the bill: USD, but of an account that is billed in another one
--   BillingAccountId string not null: as billing_account_id in ai_spend
--   BillingAccountName string: the provider's name of the account; null where it sends none
--   BillingAccountType string not null: as dim_provider has it: Organization, Team, Billing Account
--   BillingPeriodStart instant not null: the first instant of the UTC month
--   BillingPeriodEnd instant not null: the first instant of the next one
--   ChargePeriodStart instant not null: the first instant of the UTC day
--   ChargePeriodEnd instant not null: the first instant of the next one
--   ChargeCategory string not null: Usage, a day's share of a seat included; Credit
--   ChargeClass string: always null: a restated day replaces the old one, and leaves no correction
--   ChargeDescription string not null: service, model or plan, and meter
--   ChargeFrequency string not null: Usage-Based; Recurring for seats; One-Time for credits
--   ConsumedQuantity numeric: as measured, in ConsumedUnit; null for credits and where nothing was measured
--   ConsumedUnit string: Tokens, Requests, Seats, …; null beside a null quantity
--   PricingCategory string: Standard; null for credits
--   PricingQuantity numeric: the quantity in PricingUnit, negative where money comes back; null for credits
--   PricingUnit string: as price lists have it: 1000000 Tokens, 1000 Requests (web search), Requests, Seats; Units
--     where the amount is no quantity times one price: then the whole charge is one unit
--   ListUnitPrice numeric: ListCost for one PricingUnit; an average where a row mixes tiers. Null for credits
--   ContractedUnitPrice numeric: ContractedCost for one PricingUnit, likewise
--   ProviderName string not null: as in dim_provider; of an unknown provider its key
--   PublisherName string not null: likewise
--   InvoiceIssuerName string not null: likewise
--   InvoiceId string not null: the number of the invoice, where the sheet's tab invoices has it; else a provisional one
--     for each account and month: no API has it
--   ServiceCategory string not null: always AI and Machine Learning
--   ServiceSubcategory string not null: always Generative AI
--   ServiceName string not null: as dim_platform names the platform's service; of an unknown platform its key
--   SkuId string: provider, model (else plan, else platform) and meter; null for credits
--   SkuPriceId string: as SkuId: what was spent does not keep the tiers of a price apart
--   SkuMeter string: the kind of token, or what else is counted; null for credits
--   SkuPriceDetails string: a JSON object with x_Model; null without a model
--   ResourceId string: the API key's id; null where no key was used, or none is reported
--   ResourceName string: the key's name today; null where it has none
--   ResourceType string: API Key; null beside a null ResourceId
--   SubAccountId string: the workspace or the like; null for seats, and where none is reported
--   SubAccountName string: its name today; its id where it has none
--   SubAccountType string: as dim_provider has it; null beside a null SubAccountId
--   Tags string not null: a JSON object with team_name, user_email and cost_center, null where they are not known
--   x_BilledCostUsd numeric not null: BilledCost in USD, by the rate that the provider's bill states
--   x_Platform string not null: as platform in ai_spend
--   x_Model string: as the provider calls it
--   x_Meter string not null: as SkuMeter, of credits too
--   x_Plan string: the plan of a seat
--   x_UserEmail string: the person it is attributed to, lower-case
--   x_TeamName string: the team that the cost is attributed to
--   x_ApiKeyId string: as ResourceId
--   x_AttributionMethod string not null: how the person or team was found; unattributed where they were not
--   x_ListCostBasis string not null: list where ListCost is at published prices, billed where it is BilledCost again
--   x_Status string not null: provisional while the provider may restate the day, then final
--   x_IsSimulated boolean not null: true if the built-in providers answered: then the money is not real
with keys as (
    select
        api_key_id,
        min(api_key_name) as api_key_name
    from ai_usage_analytics.dim_api_key_mapping
    where valid_to is null
    group by api_key_id
),

origin as (
    select coalesce(logical_or(is_simulated), false) as is_simulated
    from ai_usage_raw.pulls
)

-- FOCUS's own columns come first, whether plain or not.
select  -- noqa: ST06
    charges.billed_cost as BilledCost,
    charges.billed_cost as EffectiveCost,
    charges.list_cost as ListCost,
    charges.billed_cost as ContractedCost,
    charges.billing_currency as BillingCurrency,
    charges.billing_account_id as BillingAccountId,
    accounts.account_name as BillingAccountName,
    coalesce(providers.billing_account_type, 'Organization') as BillingAccountType,
    timestamp(date_trunc(charges.spend_date, month), 'UTC') as BillingPeriodStart,
    timestamp(date_add(date_trunc(charges.spend_date, month), interval 1 month), 'UTC') as BillingPeriodEnd,
    timestamp(charges.spend_date, 'UTC') as ChargePeriodStart,
    timestamp(date_add(charges.spend_date, interval 1 day), 'UTC') as ChargePeriodEnd,
    if(charges.is_credit, 'Credit', 'Usage') as ChargeCategory,
    cast(null as string) as ChargeClass,
    concat(
        coalesce(platforms.service_name, charges.platform),
        coalesce(concat(', ', coalesce(charges.model, charges.plan_name)), ''),
        concat(', ', charges.meter)
    ) as ChargeDescription,
    case charges.charge_type when 'credit' then 'One-Time' when 'subscription' then 'Recurring' else 'Usage-Based' end
        as ChargeFrequency,
    if(charges.is_credit, null, charges.quantity) as ConsumedQuantity,
    if(charges.is_credit, null, charges.unit_name) as ConsumedUnit,
    if(charges.is_credit, null, 'Standard') as PricingCategory,
    if(charges.is_credit, null, charges.pricing_quantity) as PricingQuantity,
    if(charges.is_credit, null, charges.pricing_unit) as PricingUnit,
    if(charges.is_credit, null, charges.list_unit_price) as ListUnitPrice,
    if(charges.is_credit, null, charges.contracted_unit_price) as ContractedUnitPrice,
    coalesce(providers.provider_name, charges.provider) as ProviderName,
    coalesce(providers.publisher_name, charges.provider) as PublisherName,
    coalesce(providers.invoice_issuer_name, charges.provider) as InvoiceIssuerName,
    coalesce(own_invoices.invoice_id, invoices.invoice_id, concat(
        'provisional-', charges.provider, '-', charges.billing_account_id, '-', format_date('%Y-%m', charges.spend_date)
    )) as InvoiceId,
    'AI and Machine Learning' as ServiceCategory,
    'Generative AI' as ServiceSubcategory,
    coalesce(platforms.service_name, charges.platform) as ServiceName,
    if(charges.is_credit, null, charges.sku_id) as SkuId,
    if(charges.is_credit, null, charges.sku_id) as SkuPriceId,
    if(charges.is_credit, null, charges.meter) as SkuMeter,
    if(charges.is_credit or charges.model is null, null, to_json_string(struct(charges.model as x_Model)))
        as SkuPriceDetails,
    charges.api_key_id as ResourceId,
    keys.api_key_name as ResourceName,
    if(charges.api_key_id is null, null, 'API Key') as ResourceType,
    charges.sub_account_id as SubAccountId,
    coalesce(sub_accounts.sub_account_name, if(charges.sub_account_id = 'default', 'Default', charges.sub_account_id))
        as SubAccountName,
    if(charges.sub_account_id is null, null, coalesce(providers.sub_account_type, 'Sub-account')) as SubAccountType,
    to_json_string(struct(
        charges.team_name as team_name, charges.user_email as user_email, charges.cost_center as cost_center
    )) as Tags,
    charges.billed_usd as x_BilledCostUsd,
    charges.platform as x_Platform,
    charges.model as x_Model,
    charges.meter as x_Meter,
    charges.plan_name as x_Plan,
    charges.user_email as x_UserEmail,
    charges.team_name as x_TeamName,
    charges.api_key_id as x_ApiKeyId,
    charges.attribution_method as x_AttributionMethod,
    if(charges.has_list_cost, 'list', 'billed') as x_ListCostBasis,
    charges.status as x_Status,
    origin.is_simulated as x_IsSimulated
from ai_usage_analytics.priced_charges as charges
left join ai_usage_analytics.dim_provider as providers on charges.provider = providers.provider
left join ai_usage_analytics.dim_platform as platforms on charges.platform = platforms.platform
left join ai_usage_analytics.dim_account as accounts
    on
        charges.provider = accounts.provider
        and charges.account = accounts.account
left join ai_usage_analytics.sub_accounts as sub_accounts
    on
        charges.provider = sub_accounts.provider
        and charges.sub_account_id = sub_accounts.sub_account
left join ai_usage_analytics.invoice_numbers as own_invoices
    on
        charges.provider = own_invoices.provider
        and charges.charge_type = own_invoices.charge_type
        and charges.spend_date = own_invoices.activity_date
        and charges.account = own_invoices.account
left join ai_usage_analytics.invoice_numbers as invoices
    on
        charges.provider = invoices.provider
        and charges.charge_type = invoices.charge_type
        and charges.spend_date = invoices.activity_date
        and invoices.account is null
left join keys on charges.api_key_id = keys.api_key_id
cross join origin
