-- What each person's use would cost in a month under each option: a seat of each plan, and usage without a seat where
-- the person needs none. An option costs its seat's price and the use beyond what the seat includes, at list price. The
-- use of a month is the mean of the whole known weeks of the last twelve, without weeks of a leave, times 365 / 84. Its
-- 80 % confidence interval is Student's t of these weeks. Estimates for comparison: never add them to billed cost, and
-- do not add up a person's options.
--
-- grain: one option of one person's seat or use of one provider, as of the last known day
-- question: What would a person's use cost under each plan, and without a seat?
-- example: select provider, user_email, option_name, is_current, is_legal, estimated_cost_usd, assumption from
--   ai_usage_analytics.seat_options order by provider, user_email, option_name
-- built: whole
-- group: activity
-- columns:
--   provider string not null: as in dim_provider
--   account string: the account that bills the person's seat; null where seats have no account
--   user_email string not null: the person, lower-case
--   team_name string: the person's; null without one
--   as_of_date date not null: the last known day of the provider
--   option_name string not null: the plan, or the name for usage without a seat
--   is_seat boolean not null: whether the option is a seat
--   is_current boolean not null: whether the person has it now; true for none of the options if that is not known
--   is_legal boolean not null: false for usage without a seat if the person used what needs one
--   seat_price_usd numeric: for a calendar month; 0 without a seat; null where it is not known
--   included_usd numeric: use of a month that costs nothing on top, at list price; null where it is not known
--   used_usd numeric: the person's use of a month at list price, as the weeks have it; null without a whole week
--   estimated_cost_usd numeric: of a month: the seat, and the use beyond what it includes; null where it is not known
--   low_use_cost_usd numeric: the same at the low end of the use's 80 % interval; null with fewer than two weeks
--   high_use_cost_usd numeric: the same at the high end
--   weeks_known integer not null: whole weeks with known use, 12 at most
--   unpriced_days integer not null: days of use without a price: with any, the use is not known
--   is_on_leave boolean not null: by the tab people, on as_of_date
--   is_new boolean not null: in the tab people for less than 30 days
--   assumption string not null: what the option's cost assumes, and where its figures come from
with listed as (
    select
        members.user_email,
        people.leave_from,
        people.leave_to,
        coalesce(people.valid_from, date '2000-01-01') as valid_from,
        people.leave_from is not null or people.leave_to is not null as has_leave
    from ai_usage_analytics.dim_person as members
    inner join ai_usage_analytics.dim_person as same on members.person_email = same.person_email
    inner join ai_usage_analytics.people as people on same.user_email = people.user_email
),

days as (
    select
        uses.provider,
        uses.account,
        uses.user_email,
        uses.activity_date,
        uses.as_of_date,
        date_diff(uses.as_of_date, uses.activity_date, day) as days_ago,
        max(uses.team_name) as team_name,
        max(uses.current_option) as current_option,
        max(uses.used_usd) as used_usd,
        logical_or(uses.is_seat_needed) as is_seat_needed,
        coalesce(min(listed.valid_from), date '2000-01-01') as listed_since,
        coalesce(logical_or(
            listed.has_leave
            and (listed.leave_from is null or uses.activity_date >= listed.leave_from)
            and (listed.leave_to is null or uses.activity_date < listed.leave_to)
        ), false) as is_on_leave
    from `providers/*/seat_day_use` as uses
    left join listed on uses.user_email = listed.user_email
    group by uses.provider, uses.account, uses.user_email, uses.activity_date, uses.as_of_date
),

weeks as (
    select
        days.provider,
        days.account,
        days.user_email,
        days.as_of_date,
        div(days.days_ago, 7) as weeks_ago,
        max(days.team_name) as team_name,
        max(days.current_option) as current_option,
        max(days.listed_since) as listed_since,
        count(*) = 7 and not logical_or(days.is_on_leave) as is_whole,
        coalesce(cast(sum(days.used_usd) as float64), 0) as used_usd,
        countif(days.used_usd is null) as unpriced_days,
        logical_or(days.is_seat_needed) as is_seat_needed,
        logical_or(days.is_on_leave and days.days_ago = 0) as is_on_leave
    from days
    group by days.provider, days.account, days.user_email, days.as_of_date, weeks_ago
),

members as (
    select
        weeks.provider,
        weeks.account,
        weeks.user_email,
        weeks.as_of_date,
        max(weeks.team_name) as team_name,
        max(weeks.current_option) as current_option,
        countif(weeks.is_whole) as weeks_known,
        sum(weeks.unpriced_days) as unpriced_days,
        logical_or(weeks.is_seat_needed) as is_seat_needed,
        logical_or(weeks.is_on_leave) as is_on_leave,
        max(weeks.listed_since) > date_sub(weeks.as_of_date, interval max(thresholds.new_days) day) as is_new,
        avg(if(weeks.is_whole, weeks.used_usd, null)) * 365 / 84 as used_usd,
        stddev_samp(if(weeks.is_whole, weeks.used_usd, null)) * 365 / 84 as deviation_usd
    from weeks
    cross join ai_usage_analytics.seat_thresholds as thresholds
    where weeks.weeks_ago < thresholds.most_weeks
    group by weeks.provider, weeks.account, weeks.user_email, weeks.as_of_date
),

-- 90 % of Student's t with one degree of freedom less than there are weeks lie below so many standard errors.
ranges as (
    select
        *,
        deviation_usd / sqrt(nullif(weeks_known, 0)) * case weeks_known
            when 2 then 3.0777
            when 3 then 1.8856
            when 4 then 1.6377
            when 5 then 1.5332
            when 6 then 1.4759
            when 7 then 1.4398
            when 8 then 1.4149
            when 9 then 1.3968
            when 10 then 1.3830
            when 11 then 1.3722
            when 12 then 1.3634
        end as half_usd
    from members
),

levels as (
    select
        ranges.*,
        offers.option_name,
        offers.is_seat,
        offers.seat_price_usd,
        offers.included_usd,
        offers.assumption,
        cast(offers.seat_price_usd as float64) as price,
        cast(offers.included_usd as float64) as included,
        if(ranges.used_usd < ranges.half_usd, 0, ranges.used_usd - ranges.half_usd) as low_use,
        ranges.used_usd + ranges.half_usd as high_use
    from ranges
    inner join `providers/*/seat_offers` as offers on ranges.provider = offers.provider
)

select
    provider,
    account,
    user_email,
    team_name,
    as_of_date,
    option_name,
    is_seat,
    coalesce(option_name = current_option, false) as is_current,
    is_seat or not is_seat_needed as is_legal,
    seat_price_usd,
    included_usd,
    cast(round(used_usd, 2) as numeric) as used_usd,
    cast(round(price + case
        when used_usd > included then used_usd - included
        when used_usd <= included or used_usd = 0 then 0
    end, 2) as numeric) as estimated_cost_usd,
    cast(round(price + case
        when low_use > included then low_use - included
        when low_use <= included or low_use = 0 then 0
    end, 2) as numeric) as low_use_cost_usd,
    cast(round(price + case
        when high_use > included then high_use - included
        when high_use <= included or high_use = 0 then 0
    end, 2) as numeric) as high_use_cost_usd,
    weeks_known,
    unpriced_days,
    is_on_leave,
    is_new,
    assumption
from levels
