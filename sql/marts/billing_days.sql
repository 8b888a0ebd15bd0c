-- The UTC days for which the bill of an account was pulled.
--
-- grain: one account of one provider on one UTC day
-- step of: spend_by_scope
-- built: view
-- group: quality
-- columns:
--   provider string not null: as in dim_provider
--   account string not null: the account at the provider
--   activity_date date not null: the UTC day
select distinct
    providers.provider,
    pulls.account,
    pulls.activity_date
from ai_usage_raw.pulls as pulls
inner join ai_usage_analytics.dim_provider as providers on pulls.pull = providers.billing_pull
where pulls.activity_date is not null
