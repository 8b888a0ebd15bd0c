-- All cost in one table: what every provider billed, seats and usage, and separately what is only estimated. A row has
-- one of the two amounts, never both; a seat of unknown price has neither. Seats are billed as purchased, on the days
-- for which their provider was pulled; seats without a member are unattributed. Each provider's rows are built
-- separately: a day that its gate blocks keeps that provider's last good rows.
--
-- grain: one meter of one person, key or account on one UTC day
-- question: What did each person, key and team spend on which platform and model, day by day?
-- example: select spend_date, platform, user_email, sum(billed_usd) as billed_usd from ai_usage_analytics.ai_spend
--   where spend_date between '2026-11-01' and '2026-11-30' group by spend_date, platform, user_email order by
--   billed_usd desc
-- built: daily by spend_date, each provider apart
-- group: spend
-- cluster: provider, user_email
-- columns:
--   spend_date date not null: the UTC day
--   provider string not null: as in dim_provider
--   platform string not null: as in dim_platform
--   account string: the account at the provider; null for a seat of the sheet that no account lists
--   billing_account_id string not null: the organization or team that is billed; its name where the provider sends
--     no id
--   sub_account string: the workspace or the like (`default` where the id of the default one is not known); for a seat
--     its plan; for a service account its id
--   api_key_id string: null without a key
--   user_email string: the person's main address, lower-case; null if unattributed
--   team_name string: the key's team on that day from the sheet, else the person's
--   cost_center string: the person's, from the tab people; without a person the team's, if all its people have the same
--     one; null where neither is known
--   model string: null where none was used
--   meter string not null: what was counted: the token type, web_search, code_execution, session_usage, seat,
--     usage_based, api_key, and others that providers have; for estimates how they were made
--   charge_type string not null: usage, subscription or credit
--   billed_usd numeric: billed cost; null on an estimate, and while a seat's price is not known
--   estimated_usd numeric: the provider's estimate of what subscribers' use would cost; never added to billed_usd
--   list_usd numeric: the billed use at list price; null where the provider does not report it
--   billed_amount numeric: billed cost in billed_currency; null where that is USD
--   billed_currency string: the currency of the bill where it is not USD; null where it is
--   quantity numeric: number of units; null where nothing counts them, and for a member's seat that is counted on
--     the rows of the plans
--   unit string: tokens, requests, seats; null without a quantity
--   attribution_method string not null: how it was attributed: actor, key_sheet, key_creator, seat or unattributed
--   status string not null: provisional while the provider may still restate the day, then final
with spend as (
    select
        spend_date,
        provider,
        platform,
        account,
        billing_account_id,
        sub_account,
        api_key_id,
        user_email,
        team_name,
        model,
        meter,
        charge_type,
        billed_usd,
        estimated_usd,
        list_usd,
        billed_amount,
        billed_currency,
        quantity,
        unit,
        attribution_method
    from `providers/*/spend`
    where spend_date between @first_day and @last_day
    union all
    select
        purchased_seats.activity_date as spend_date,
        purchased_seats.provider,
        platforms.platform,
        cast(null as string) as account,
        purchased_seats.provider as billing_account_id,
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
    inner join ai_usage_analytics.dim_provider as providers on purchased_seats.provider = providers.provider
    inner join ai_usage_analytics.dim_platform as platforms on providers.seat_platform = platforms.platform
    where purchased_seats.activity_date between @first_day and @last_day
),

teams as (
    select
        team_name,
        max(cost_center) as cost_center
    from ai_usage_analytics.dim_person
    where team_name is not null
    group by team_name
    having min(dim_person.cost_center) = max(dim_person.cost_center)
)

select
    spend.spend_date,
    spend.provider,
    spend.platform,
    spend.account,
    spend.billing_account_id,
    spend.sub_account,
    spend.api_key_id,
    spend.user_email,
    spend.team_name,
    if(spend.user_email is null, teams.cost_center, people.cost_center) as cost_center,
    spend.model,
    spend.meter,
    spend.charge_type,
    spend.billed_usd,
    spend.estimated_usd,
    spend.list_usd,
    spend.billed_amount,
    spend.billed_currency,
    spend.quantity,
    spend.unit,
    spend.attribution_method,
    coalesce(settled_days.status, 'provisional') as status
from spend
left join ai_usage_analytics.dim_person as people on spend.user_email = people.user_email
left join teams on spend.team_name = teams.team_name
left join ai_usage_analytics.settled_days as settled_days
    on
        spend.spend_date = settled_days.activity_date
        and spend.provider = settled_days.provider
