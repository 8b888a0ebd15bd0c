-- What Cursor costs each day and person: the seat's share of the month, and usage billed on top of it. The legacy
-- plans' formula is in a separate column: an estimate, never to be added.
-- Seats are billed as purchased (cursor_seats). Usage is what chargeable events were charged.
--
-- grain: one kind of Cursor cost of one person on one UTC day, usage by model; for unassigned seats by plan
-- question: What did each person's Cursor seat and usage cost on each day?
-- example: select expense_date, user_email, cost_type, model, billed_usd from ai_usage_analytics.cursor_expenses
--   order by expense_date, billed_usd desc
-- built: daily by expense_date
-- group: cursor
-- blocked by: cursor
-- cluster: user_email
-- columns:
--   expense_date date not null: the UTC day
--   account string: the team's account; null for seats that no account lists
--   user_email string: lower-case; for a service account an artificial one; null where the provider sends none, and for
--     unassigned seats
--   service_account_id string: null for a person
--   cost_type string not null: subscription, usage_based, or api_key: usage with the member's own key
--   model string: Cursor's own name; null on subscription rows
--   subscription_included_reqs integer: events within included usage; on members' subscription rows
--   usage_based_reqs integer: chargeable events; on usage_based and api_key rows
--   total_tokens integer: of chargeable events, of all kinds; null where they are not token based
--   billed_usd numeric: subscription: the day's share of the row's seats, by month exact; null while no price is known.
--     Else what chargeable events were charged
--   list_usd numeric: model cost of chargeable events before discount; null without tokens
--   estimated_cost_usd numeric: the request formula of legacy plans for the whole day; on subscription rows. Never
--     added to billed_usd
--   subscription_plan string: as the sheet, or CURSOR_PLANS, calls the plan of the day; null without one, and where it
--     is one of several
--   seats integer: number of seats on subscription rows; null for a member if the rows of the plans count the seat
--   is_assigned boolean: on subscription rows: true for a member's seat; false for seats without a member, or if
--     it is not known who has them
with usage as (
    select
        activity_date,
        account,
        user_email,
        service_account_id,
        model,
        if(regexp_contains(lower(kind), 'api[ _-]?key'), 'api_key', 'usage_based') as cost_type,
        count(*) as usage_based_reqs,
        sum(charged_usd) as billed_usd,
        sum(list_usd) as list_usd,
        sum(input_tokens + output_tokens + cache_write_tokens + cache_read_tokens) as total_tokens
    from ai_usage_analytics.cursor_usage_events
    where
        activity_date between @first_day and @last_day
        and is_chargeable
    group by activity_date, account, user_email, service_account_id, model, cost_type
),

plans as (
    select
        activity_date,
        if(min(plan_name) = max(plan_name), min(plan_name), null) as plan_name
    from ai_usage_analytics.cursor_seats
    where activity_date between @first_day and @last_day
    group by activity_date
)

select
    activity_date as expense_date,
    account,
    user_email,
    cast(null as string) as service_account_id,
    'subscription' as cost_type,
    cast(null as string) as model,
    subscription_included_reqs,
    cast(null as int64) as usage_based_reqs,
    cast(null as int64) as total_tokens,
    cast(seats * seat_usd as numeric) as billed_usd,
    cast(null as numeric) as list_usd,
    estimated_cost_usd,
    plan_name as subscription_plan,
    seats,
    is_assigned
from ai_usage_analytics.cursor_seats
where activity_date between @first_day and @last_day
union all
select
    usage.activity_date as expense_date,
    usage.account,
    usage.user_email,
    usage.service_account_id,
    usage.cost_type,
    usage.model,
    cast(null as int64) as subscription_included_reqs,
    usage.usage_based_reqs,
    usage.total_tokens,
    usage.billed_usd,
    usage.list_usd,
    cast(null as numeric) as estimated_cost_usd,
    plans.plan_name as subscription_plan,
    cast(null as int64) as seats,
    cast(null as bool) as is_assigned
from usage
left join plans on usage.activity_date = plans.activity_date
