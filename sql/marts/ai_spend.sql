-- All money on one page: what every provider billed, seats and usage, and beside it what is only estimated. A row has
-- one of the two amounts, never both; a seat of unknown price has neither. Seats are billed as purchased, on the days
-- that their provider was asked about; those that no member has are unattributed.
--
-- grain: one meter of one payer on one UTC day
-- built: daily by spend_date
-- cluster: provider, user_email
-- columns:
--   spend_date date not null: the UTC day
--   provider string not null: anthropic or cursor
--   platform string not null: claude.ai, claude_code, claude_api, workbench, unsegmented or cursor
--   billing_account_id string not null: the vendor's organisation; cursor-team of the Cursor team
--   sub_account string: Claude's workspace (`default` where the default one's id is not known); of a seat its plan; of
--     Cursor's service accounts their id
--   api_key_id string: null without a key
--   user_email string: the person, by one address, lower-case; null where nobody is known
--   team_name string: as the sheet has the key's team on that day, else the person's
--   model string: null where none was used
--   meter string not null: what was counted: the token type, web_search, code_execution, session_usage, seat,
--     usage_based, api_key; of estimates claude_code_estimate and request_formula
--   charge_type string not null: usage, subscription or credit
--   billed_usd numeric: what is billed; null on an estimate, and while a seat's price is not known
--   estimated_usd numeric: what subscribers' use is worth by the vendor's estimate: never added to billed_usd
--   list_usd numeric: what is billed, at list price; null where the vendor does not tell
--   quantity numeric: how many of unit; null where nothing counts them, and of a member's Cursor seat that is counted
--     on the rows of the plans
--   unit string: tokens, requests, seats; null without a quantity
--   attribution_method string not null: how the person was found: actor, key_sheet, key_creator, seat or unattributed
--   status string not null: provisional while the vendor may still revise the day, then final
with claude as (
    select
        expense_date,
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
        expense_date, platform, organization_id, workspace_id, api_key_id, user_email, team_name, model,
        attribution_method, meter, unit
),

-- A day that was never asked about is unknown: it has no seats either.
days as (
    select
        activity_date,
        extract(day from activity_date) as day_of_month,
        extract(day from last_day(activity_date)) as days_in_month
    from ai_usage_analytics.settled_days
    where
        provider = 'anthropic'
        and activity_date between @first_day and @last_day
),

organization as (
    select coalesce(max(organization_id), 'anthropic') as organization_id
    from ai_usage_analytics.claude_daily_cost
),

bought as (
    select
        days.activity_date,
        days.day_of_month,
        days.days_in_month,
        claude_seats.plan,
        claude_seats.seats,
        cast(claude_seats.seat_price_usd * claude_seats.seats * 1000000000 as int64) as nano_usd
    from days
    inner join ai_usage_analytics.seats as claude_seats
        on
            (claude_seats.valid_from is null or days.activity_date >= claude_seats.valid_from)
            and (claude_seats.valid_to is null or days.activity_date < claude_seats.valid_to)
    where claude_seats.provider = 'anthropic'
),

estimates as (
    select
        stats.activity_date,
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
        stats.activity_date, stats.organization_id, stats.model, people.person_email, stats.user_email, people.team_name
),

cursor_people as (
    select
        expenses.expense_date,
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
),

spend as (
    select
        expense_date as spend_date,
        'anthropic' as provider,
        platform,
        organization_id as billing_account_id,
        workspace_id as sub_account,
        api_key_id,
        user_email,
        team_name,
        model,
        meter,
        if(billed_usd < 0, 'credit', 'usage') as charge_type,
        billed_usd,
        cast(null as numeric) as estimated_usd,
        list_usd,
        cast(quantity as numeric) as quantity,
        if(quantity is null, null, unit) as unit,
        attribution_method
    from claude
    union all
    select
        bought.activity_date as spend_date,
        'anthropic' as provider,
        'claude.ai' as platform,
        organization.organization_id as billing_account_id,
        bought.plan as sub_account,
        cast(null as string) as api_key_id,
        cast(null as string) as user_email,
        cast(null as string) as team_name,
        cast(null as string) as model,
        'seat' as meter,
        'subscription' as charge_type,
        cast(
            cast(
                div(bought.nano_usd * bought.day_of_month, bought.days_in_month)
                - div(bought.nano_usd * (bought.day_of_month - 1), bought.days_in_month)
                as numeric
            ) * cast('0.000000001' as numeric) as numeric
        ) as billed_usd,
        cast(null as numeric) as estimated_usd,
        cast(null as numeric) as list_usd,
        cast(bought.seats as numeric) as quantity,
        'seats' as unit,
        'unattributed' as attribution_method
    from bought
    cross join organization
    union all
    select
        activity_date as spend_date,
        'anthropic' as provider,
        'claude_code' as platform,
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
        cast(quantity as numeric) as quantity,
        'tokens' as unit,
        if(user_email is null, 'unattributed', 'actor') as attribution_method
    from estimates
    union all
    select
        expense_date as spend_date,
        'cursor' as provider,
        'cursor' as platform,
        'cursor-team' as billing_account_id,
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
        'cursor' as provider,
        'cursor' as platform,
        'cursor-team' as billing_account_id,
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
        cast(subscription_included_reqs as numeric) as quantity,
        'requests' as unit,
        if(user_email is null, 'unattributed', 'actor') as attribution_method
    from cursor_people
    where estimated_cost_usd is not null
)

select
    spend.spend_date,
    spend.provider,
    spend.platform,
    spend.billing_account_id,
    spend.sub_account,
    spend.api_key_id,
    spend.user_email,
    spend.team_name,
    spend.model,
    spend.meter,
    spend.charge_type,
    spend.billed_usd,
    spend.estimated_usd,
    spend.list_usd,
    spend.quantity,
    spend.unit,
    spend.attribution_method,
    coalesce(settled_days.status, 'provisional') as status
from spend
left join ai_usage_analytics.settled_days as settled_days
    on
        spend.spend_date = settled_days.activity_date
        and spend.provider = settled_days.provider
