-- Licenses that each account has, beside the seats of Code Assist in the newest month that was billed.
with billed as (
    select
        account,
        activity_date as billed_date,
        sum(quantity) as seats,
        count(*) = count(quantity) as is_counted
    from ai_usage_analytics.gemini_costs
    where charge_type = 'subscription' and platform = 'gemini_code_assist' and credit_type is null
    group by account, activity_date
    qualify row_number() over (partition by account order by activity_date desc) = 1
),

pools as (
    select
        account,
        sum(license_count) as licenses
    from ai_usage_analytics.gemini_licenses
    group by account
)

select
    pools.account,
    pools.licenses,
    billed.billed_date,
    cast(billed.seats as int64) as billed_seats,
    coalesce(billed.is_counted, true) as is_counted
from pools
left join billed on pools.account = billed.account
order by pools.account
