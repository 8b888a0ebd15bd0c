-- The Claude plans that are purchased on the last known day, from the sheet, and the number of each kind.
--
-- grain: one purchased plan
-- step of: seat_options
-- built: view
-- group: claude
-- columns:
--   as_of_date date not null: the last day of which the use of Claude Code is known
--   plan_name string: as in the sheet; null where none is purchased: then it is the only row
--   seat_price_usd numeric: for a calendar month; null without a plan
--   tier string: premium or standard by the plan's name, else other; null without a plan
--   plans integer not null: how many plans are purchased
--   standards integer not null: of these, standard
--   premiums integer not null: of these, premium
with newest as (
    select max(activity_date) as as_of_date
    from ai_usage_raw.pulls
    where pull = 'claude_code_usage'
),

purchased as (
    select
        newest.as_of_date,
        seats.plan as plan_name,
        max(seats.seat_price_usd) as seat_price_usd,
        case
            when lower(seats.plan) like '%premium%' then 'premium'
            when lower(seats.plan) like '%standard%' or lower(seats.plan) = 'team' then 'standard'
            else 'other'
        end as tier
    from newest
    inner join ai_usage_analytics.seats as seats
        on
            seats.provider = 'anthropic'
            and (seats.valid_from is null or newest.as_of_date >= seats.valid_from)
            and (seats.valid_to is null or newest.as_of_date < seats.valid_to)
    group by newest.as_of_date, seats.plan
)

select
    newest.as_of_date,
    purchased.plan_name,
    purchased.seat_price_usd,
    purchased.tier,
    count(purchased.plan_name) over () as plans,
    countif(purchased.tier = 'standard') over () as standards,
    countif(purchased.tier = 'premium') over () as premiums
from newest
left join purchased on newest.as_of_date = purchased.as_of_date
where newest.as_of_date is not null
