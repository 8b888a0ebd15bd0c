-- Days whose bill became another one when it should long have been settled: three days after the day, or later. Those
-- that were found in the last week. One row a restatement.
with newest as (
    select max(known_from) as newest_at
    from ai_usage_analytics.spend_versions
),

restatements as (
    select
        activity_date,
        provider,
        old_usd,
        new_usd,
        change_usd,
        revised_at,
        row_number() over (partition by provider, activity_date order by revised_at) as revision
    from ai_usage_analytics.spend_revisions
)

select
    concat(
        'restated/', restatements.provider, '/', format_date('%Y-%m-%d', restatements.activity_date), '/',
        cast(restatements.revision as string)
    ) as alert_key,
    restatements.activity_date as restated_date,
    restatements.provider,
    restatements.old_usd,
    restatements.new_usd,
    restatements.change_usd,
    restatements.revised_at
from restatements
cross join newest
where
    date(restatements.revised_at) >= date_add(restatements.activity_date, interval 3 day)
    and date(restatements.revised_at) > date_sub(date(newest.newest_at), interval 7 day)
    and abs(restatements.change_usd) >= cast('0.01' as numeric)
order by abs(restatements.change_usd) desc, alert_key asc
