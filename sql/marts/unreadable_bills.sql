-- Days with a bill that was pulled but could never be read: records were rejected, and no version is known.
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
    rejections.account,
    rejections.activity_date
from ai_usage_analytics.record_rejections as rejections
inner join ai_usage_analytics.dim_provider as providers on rejections.pull = providers.billing_pull
left join ai_usage_analytics.spend_versions as versions
    on
        rejections.activity_date = versions.activity_date
        and providers.provider = versions.provider
        and rejections.account = versions.account
        and versions.known_to is null
where
    rejections.activity_date is not null
    and versions.provider is null
