-- Anthropic's rows of ai_spend: API usage as it was attributed, the seats that the sheet has (unassigned, since no API
-- lists their members), and Anthropic's estimate of what subscribers' use of Claude Code would cost.
with claude as (
    select
        expense_date,
        account,
        platform,
        organization_id,
        workspace_id,
        api_key_id,
        user_email,
        team_name,
        model,
        attribution_method,
        coalesce(token_type, cost_type, 'other') as meter,
        if(token_type is null, 'requests', 'tokens') as unit,
        sum(cost_usd) as billed_usd,
        sum(list_usd) as list_usd,
        sum(units) as quantity
    from ai_usage_analytics.claude_attributed_costs
    where expense_date between @first_day and @last_day
    group by
        expense_date, account, platform, organization_id, workspace_id, api_key_id, user_email, team_name, model,
        attribution_method, meter, unit
),

-- The sheet does not have the organization of a seat: if there are several, `anthropic` stands for it.
seat_organization as (
    select if(count(distinct organization_id) = 1, max(organization_id), 'anthropic') as organization_id
    from ai_usage_analytics.claude_daily_cost
),

estimates as (
    select
        stats.activity_date,
        stats.account,
        stats.organization_id,
        stats.model,
        coalesce(people.person_email, stats.user_email) as user_email,
        people.team_name,
        sum(stats.estimated_cost_usd) as estimated_usd,
        sum(
            stats.input_tokens + stats.output_tokens + stats.cache_read_tokens + stats.cache_creation_tokens
        ) as quantity
    from ai_usage_analytics.claude_code_model_usage as stats
    left join ai_usage_analytics.dim_person as people on stats.user_email = people.user_email
    where
        stats.activity_date between @first_day and @last_day
        and stats.customer_type != 'api'
    group by
        stats.activity_date, stats.account, stats.organization_id, stats.model, people.person_email, stats.user_email,
        people.team_name
)

select
    claude.expense_date as spend_date,
    claude.platform,
    claude.account,
    claude.organization_id as billing_account_id,
    claude.workspace_id as sub_account,
    claude.api_key_id,
    claude.user_email,
    claude.team_name,
    claude.model,
    claude.meter,
    if(claude.billed_usd < 0, 'credit', 'usage') as charge_type,
    claude.billed_usd,
    cast(null as numeric) as estimated_usd,
    claude.list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(claude.quantity as numeric) as quantity,
    if(claude.quantity is null, null, claude.unit) as unit,
    claude.attribution_method
from claude
union all
select
    purchased_seats.activity_date as spend_date,
    'claude.ai' as platform,
    cast(null as string) as account,
    seat_organization.organization_id as billing_account_id,
    purchased_seats.plan_name as sub_account,
    cast(null as string) as api_key_id,
    cast(null as string) as user_email,
    cast(null as string) as team_name,
    cast(null as string) as model,
    'seat' as meter,
    'subscription' as charge_type,
    purchased_seats.billed_usd,
    cast(null as numeric) as estimated_usd,
    cast(null as numeric) as list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(purchased_seats.seats as numeric) as quantity,
    'seats' as unit,
    'unattributed' as attribution_method
from ai_usage_analytics.purchased_seats as purchased_seats
cross join seat_organization
where
    purchased_seats.provider = 'anthropic'
    and purchased_seats.activity_date between @first_day and @last_day
union all
select
    activity_date as spend_date,
    'claude_code' as platform,
    account,
    organization_id as billing_account_id,
    cast(null as string) as sub_account,
    cast(null as string) as api_key_id,
    user_email,
    team_name,
    model,
    'claude_code_estimate' as meter,
    'usage' as charge_type,
    cast(null as numeric) as billed_usd,
    estimated_usd,
    cast(null as numeric) as list_usd,
    cast(null as numeric) as billed_amount,
    cast(null as string) as billed_currency,
    cast(quantity as numeric) as quantity,
    'tokens' as unit,
    if(user_email is null, 'unattributed', 'actor') as attribution_method
from estimates
