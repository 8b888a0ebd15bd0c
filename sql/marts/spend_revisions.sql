-- Every restatement: a change of a day's bill after it was first pulled. A new version with the same amount is not a
-- restatement.
--
-- grain: one change of what one account was billed for one UTC day
-- question: Which days did a provider restate, and by how much?
-- example: select activity_date, provider, account, old_usd, new_usd, revised_at from
--   ai_usage_analytics.spend_revisions order by revised_at desc
-- built: view
-- group: close
-- columns:
--   activity_date date not null: the UTC day that was billed
--   provider string not null: as in dim_provider
--   account string not null: the account at the provider
--   old_usd numeric not null: the amount known until then
--   new_usd numeric not null: the amount known from then on
--   change_usd numeric not null: the change; negative if the day became cheaper
--   first_seen_at instant not null: when the day's bill was first pulled
--   revised_at instant not null: when the new amount was first pulled
with versions as (
    select
        activity_date,
        provider,
        account,
        billed_usd as new_usd,
        known_from as revised_at,
        lag(billed_usd) over (
            partition by provider, account, activity_date order by known_from asc, pull_id asc
        ) as old_usd,
        min(known_from) over (partition by provider, account, activity_date) as first_seen_at
    from ai_usage_analytics.spend_versions
)

select
    activity_date,
    provider,
    account,
    old_usd,
    new_usd,
    new_usd - old_usd as change_usd,
    first_seen_at,
    revised_at
from versions
where new_usd != old_usd
