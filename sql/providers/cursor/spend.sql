-- Cursor's rows of ai_spend: seats as purchased, usage on top of them, and the request formula of legacy plans, which
-- is an estimate. A service account is no person. Cursor sends no id of a team: `cursor-team` stands for the account
-- `default`, and for seats of no account.
with cursor_people as (
    select
        expenses.expense_date,
        expenses.account,
        if(
            coalesce(expenses.account, 'default') = 'default', 'cursor-team', concat('cursor-team-', expenses.account)
        ) as billing_account_id,
        expenses.service_account_id,
        expenses.cost_type,
        expenses.model,
        expenses.billed_usd,
        expenses.estimated_cost_usd,
        expenses.list_usd,
        expenses.usage_based_reqs,
        expenses.subscription_included_reqs,
        expenses.subscription_plan,
        expenses.seats,
        people.team_name,
        if(
            expenses.service_account_id is null, coalesce(people.person_email, expenses.user_email), null
        ) as user_email
    from ai_usage_analytics.cursor_expenses as expenses
    left join ai_usage_analytics.dim_person as people on expenses.user_email = people.user_email
    where expenses.expense_date between @first_day and @last_day
)

select
    expense_date as spend_date,
    'cursor' as platform,
    account,
    billing_account_id,
    coalesce(service_account_id, if(cost_type = 'subscription', subscription_plan, null)) as sub_account,
    cast(null as string) as api_key_id,
    user_email,
    team_name,
    model,
    if(cost_type = 'subscription', 'seat', cost_type) as meter,
    case when cost_type = 'subscription' then 'subscription' when billed_usd < 0 then 'credit' else 'usage' end
        as charge_type,
    billed_usd,
    cast(null as numeric) as estimated_usd,
    list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(if(cost_type = 'subscription', seats, usage_based_reqs) as numeric) as quantity,
    if(cost_type = 'subscription', if(seats is null, null, 'seats'), 'requests') as unit,
    case
        when user_email is null then 'unattributed'
        when cost_type = 'subscription' then 'seat'
        else 'actor'
    end as attribution_method
from cursor_people
union all
select
    expense_date as spend_date,
    'cursor' as platform,
    account,
    billing_account_id,
    cast(null as string) as sub_account,
    cast(null as string) as api_key_id,
    user_email,
    team_name,
    cast(null as string) as model,
    'request_formula' as meter,
    'usage' as charge_type,
    cast(null as numeric) as billed_usd,
    estimated_cost_usd as estimated_usd,
    cast(null as numeric) as list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(subscription_included_reqs as numeric) as quantity,
    'requests' as unit,
    if(user_email is null, 'unattributed', 'actor') as attribution_method
from cursor_people
where estimated_cost_usd is not null
