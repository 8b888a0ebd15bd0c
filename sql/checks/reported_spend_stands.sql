-- Late restatements of @provider found in the last week: the day's bill, the pull @bill, was pulled three or more days
-- after the day, and was restated since. One row for each restatement.
with newest as (
    select max(known_from) as newest_at
    from ai_usage_analytics.spend_versions
),

accounts as (
    select count(distinct account) as account_count
    from ai_usage_analytics.spend_versions
    where provider = @provider
),

restatements as (
    select
        activity_date,
        provider,
        account,
        old_usd,
        new_usd,
        change_usd,
        revised_at,
        row_number() over (partition by provider, activity_date order by revised_at, account) as revision
    from ai_usage_analytics.spend_revisions
    where provider = @provider
),

settled as (
    select
        restatements.provider,
        restatements.activity_date,
        restatements.revision
    from restatements
    inner join ai_usage_raw.pulls as looks
        on
            restatements.activity_date = looks.activity_date
            and restatements.account = looks.account
            and looks.pull = @bill
            and restatements.revised_at > looks.pulled_at
            and date_add(restatements.activity_date, interval 3 day) <= date(looks.pulled_at)
    group by restatements.provider, restatements.activity_date, restatements.revision
)

select
    concat(
        'restated/', restatements.provider, '/', format_date('%Y-%m-%d', restatements.activity_date), '/',
        cast(restatements.revision as string)
    ) as alert_key,
    restatements.activity_date as restated_date,
    restatements.provider,
    restatements.account,
    accounts.account_count,
    restatements.old_usd,
    restatements.new_usd,
    restatements.change_usd,
    restatements.revised_at
from restatements
inner join settled
    on
        restatements.provider = settled.provider
        and restatements.activity_date = settled.activity_date
        and restatements.revision = settled.revision
cross join newest
cross join accounts
where
    date(restatements.revised_at) > date_sub(date(newest.newest_at), interval 7 day)
    and abs(restatements.change_usd) >= cast('0.01' as numeric)
order by abs(restatements.change_usd) desc, alert_key asc
