-- What the billing export has for each invoice, in the currency of the billing account and in USD: spend on AI before
-- credits, credits, what is no spend on AI, and tax. Tax is that of the whole billing account, whatever it was for, as
-- soon as the invoice has other services too. An invoice may have use of an earlier month.
--
-- grain: one invoice of one billing account, with the use of one month on it
-- question: What is on Google's invoice of a month: AI, credits, other cost and tax?
-- example: select invoice_month, billed_currency, ai_amount, credit_amount, other_amount, tax_amount from
--   ai_usage_analytics.gemini_invoices order by invoice_month
-- built: view
-- group: google
-- columns:
--   account string not null: the account at the provider
--   billing_account_id string: as sent
--   invoice_month string: YYYYMM, as sent; null where it is not
--   month_start date not null: the month of the use
--   billed_currency string not null: of the billing account
--   usage_amount numeric not null: spend on AI before credits, corrections included, in billed_currency
--   subscription_amount numeric not null: seats, before credits, in billed_currency
--   credit_amount numeric not null: credits of both, negative, in billed_currency
--   ai_amount numeric not null: the sum of these three: what ai_spend has
--   other_amount numeric not null: what is no spend on AI or fits no rule, credits included, in billed_currency
--   tax_amount numeric not null: in billed_currency
--   ai_usd numeric not null: ai_amount in USD: the sum that ai_spend has
--   other_usd numeric not null: other_amount in USD
--   tax_usd numeric not null: tax_amount in USD
select
    account,
    billing_account_id,
    invoice_month,
    cast(date_trunc(activity_date, month) as date) as month_start,
    billed_currency,
    sum(if(platform is not null and charge_type = 'usage', billed_amount, cast(0 as numeric))) as usage_amount,
    sum(if(platform is not null and charge_type = 'subscription', billed_amount, cast(0 as numeric)))
        as subscription_amount,
    sum(if(platform is not null and charge_type = 'credit', billed_amount, cast(0 as numeric))) as credit_amount,
    sum(if(platform is not null, billed_amount, cast(0 as numeric))) as ai_amount,
    sum(if(platform is null and charge_type != 'tax', billed_amount, cast(0 as numeric))) as other_amount,
    sum(if(charge_type = 'tax', billed_amount, cast(0 as numeric))) as tax_amount,
    sum(if(platform is not null, amount_usd, cast(0 as numeric))) as ai_usd,
    sum(if(platform is null and charge_type != 'tax', amount_usd, cast(0 as numeric))) as other_usd,
    sum(if(charge_type = 'tax', amount_usd, cast(0 as numeric))) as tax_usd
from ai_usage_analytics.gemini_costs
group by account, billing_account_id, invoice_month, month_start, billed_currency
