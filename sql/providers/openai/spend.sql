-- OpenAI's rows of ai_spend: API usage as it was billed and attributed. Seats of ChatGPT are those of the sheet, and
-- credits of Codex are no dollars. Where the bill names no organization, its account stands for it.
with costs as (
    select
        activity_date,
        account,
        organization_id,
        project_id,
        api_key_id,
        user_email,
        team_name,
        model,
        meter,
        unit,
        attribution_method,
        if(amount_usd < 0, 'credit', 'usage') as charge_type,
        sum(amount_usd) as billed_usd,
        if(unit is null, null, sum(quantity)) as quantity
    from ai_usage_analytics.openai_attributed_costs
    where activity_date between @first_day and @last_day
    group by
        activity_date, account, organization_id, project_id, api_key_id, user_email, team_name, model, meter, unit,
        attribution_method, charge_type
)

select
    activity_date as spend_date,
    'openai_api' as platform,
    account,
    coalesce(organization_id, concat('openai-', account)) as billing_account_id,
    project_id as sub_account,
    api_key_id,
    user_email,
    team_name,
    model,
    meter,
    charge_type,
    billed_usd,
    cast(null as numeric) as estimated_usd,
    cast(null as numeric) as list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    quantity,
    unit,
    attribution_method
from costs
