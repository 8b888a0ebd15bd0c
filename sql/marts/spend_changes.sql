-- The change of a day's billed amount by each version of its bill: the first version from 0, each later one, a
-- restatement, from the version before.
--
-- grain: one version of what a provider billed an account for one UTC day
-- step of: month_close
-- built: view
-- group: spend
-- columns:
--   provider string not null: as in dim_provider
--   account string not null: the account at the provider
--   activity_date date not null: the UTC day
--   known_from instant not null: when the version was pulled
--   change_usd numeric not null: the amount minus that of the version before
--   is_restatement boolean not null: whether there was a version before
select
    provider,
    account,
    activity_date,
    known_from,
    billed_usd - coalesce(lag(billed_usd) over version, cast(0 as numeric)) as change_usd,
    row_number() over version > 1 as is_restatement
from ai_usage_analytics.spend_versions
window version as (partition by provider, account, activity_date order by known_from asc, pull_id asc)
