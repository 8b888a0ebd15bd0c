-- The days that providers may still restate: each does so for the number of days in dim_provider. A day is final once
-- each configured account that was pulled for it or for an earlier day has been pulled again that many days later. An
-- account that is not configured any more does not delay this. A pull cannot be later than the next one, unless a
-- clock was wrong.
--
-- grain: one provider's UTC day that was ever pulled
-- question: Which days may a provider still restate?
-- example: select provider, activity_date, status, final_on from ai_usage_analytics.settled_days where status =
--   'provisional' order by provider, activity_date
-- built: view
-- group: close
-- columns:
--   provider string not null: as in dim_provider
--   activity_date date not null: the UTC day
--   status string not null: provisional while the provider may still restate the day, then final
--   final_on date not null: the first UTC day on which a pull makes it final
--   settled_at instant: when it was first pulled late enough; null while it is provisional
--   settled_by string: the pull_id of that pull
with asked as (
    select
        providers.provider,
        pulls.account,
        providers.final_after_days as days,
        pulls.activity_date,
        pulls.pull_id,
        min(coalesce(pulls.asked_at, pulls.pulled_at)) over (
            partition by pulls.pull, pulls.account, pulls.activity_date
            order by pulls.pulled_at, pulls.pull_id
            rows between current row and unbounded following
        ) as asked_at
    from ai_usage_raw.pulls as pulls
    inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
    where pulls.activity_date is not null
),

looks as (
    select
        provider,
        account,
        activity_date,
        asked_at,
        pull_id,
        cast(date_add(activity_date, interval days day) as date) as final_on,
        date_diff(date(asked_at), activity_date, day) >= days as is_late_enough
    from asked
),

of_accounts as (
    select
        provider,
        account,
        activity_date,
        max(final_on) as final_on,
        logical_or(is_late_enough) as is_final,
        min(if(is_late_enough, asked_at, null)) as settled_at,
        min(if(is_late_enough, pull_id, null)) as settled_by
    from looks
    group by provider, account, activity_date
),

accounts as (
    select
        of_accounts.provider,
        of_accounts.account,
        coalesce(logical_and(dim_account.is_expected), true) as is_expected,
        min(of_accounts.activity_date) as first_day
    from of_accounts
    left join ai_usage_analytics.dim_account as dim_account
        on
            of_accounts.provider = dim_account.provider
            and of_accounts.account = dim_account.account
    group by of_accounts.provider, of_accounts.account
),

days as (
    select distinct
        provider,
        activity_date
    from of_accounts
),

expected as (
    select
        days.provider,
        days.activity_date,
        of_accounts.final_on,
        of_accounts.settled_at,
        of_accounts.settled_by,
        coalesce(of_accounts.is_final, false) as is_final,
        accounts.is_expected
    from days
    inner join accounts
        on
            days.provider = accounts.provider
            and days.activity_date >= accounts.first_day
    left join of_accounts
        on
            days.provider = of_accounts.provider
            and days.activity_date = of_accounts.activity_date
            and accounts.account = of_accounts.account
    where of_accounts.account is not null or accounts.is_expected
),

decided as (
    select
        provider,
        activity_date,
        logical_and(is_final or not is_expected) and logical_or(is_final) as is_final,
        max(final_on) as final_on,
        max(settled_at) as settled_at,
        max(settled_by) as settled_by
    from expected
    group by provider, activity_date
)

select
    provider,
    activity_date,
    if(is_final, 'final', 'provisional') as status,
    final_on,
    if(is_final, settled_at, null) as settled_at,
    if(is_final, settled_by, null) as settled_by
from decided
