-- Google's rows of ai_spend: use of the Gemini API and of Vertex AI, seats of Code Assist as the export bills them, and
-- credits on rows of their own, in USD. Taxes are in gemini_invoices alone. A correction is part of the use that it
-- corrects; what comes back altogether is a credit.
with costs as (
    select
        activity_date,
        account,
        billing_account_id,
        project_id,
        platform,
        user_email,
        team_name,
        model,
        meter,
        charge_type,
        unit,
        attribution_method,
        billed_currency,
        sum(amount_usd) as billed_usd,
        sum(billed_amount) as billed_amount,
        if(count(list_usd) = count(*), sum(list_usd), null) as list_usd,
        if(count(quantity) = count(*), sum(quantity), null) as quantity
    from ai_usage_analytics.gemini_attributed_costs
    where activity_date between @first_day and @last_day
    group by
        activity_date, account, billing_account_id, project_id, platform, user_email, team_name, model, meter,
        charge_type, billed_currency, unit, attribution_method
)

select
    activity_date as spend_date,
    platform,
    account,
    billing_account_id,
    if(charge_type = 'subscription', 'Gemini Code Assist', project_id) as sub_account,
    cast(null as string) as api_key_id,
    user_email,
    team_name,
    model,
    meter,
    if(charge_type = 'usage' and billed_usd < 0, 'credit', charge_type) as charge_type,
    billed_usd,
    cast(null as numeric) as estimated_usd,
    list_usd,
    if(billed_currency = 'USD', null, billed_amount) as billed_amount,
    if(billed_currency = 'USD', null, billed_currency) as billed_currency,
    quantity,
    if(quantity is null, null, unit) as unit,
    attribution_method
from costs
