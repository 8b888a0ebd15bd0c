-- Taxes of the billing export, of the whole billing account, on the first day of what they are for.
with taxes as (
    select
        activity_date,
        account,
        amount_usd,
        if(billed_currency = 'USD', null, billed_amount) as tax_amount,
        if(billed_currency = 'USD', null, billed_currency) as tax_currency
    from ai_usage_analytics.gemini_costs
    where charge_type = 'tax'
)

select
    activity_date,
    account,
    sum(amount_usd) as billed_usd,
    sum(tax_amount) as billed_amount,
    tax_currency as billed_currency
from taxes
group by activity_date, account, tax_currency
