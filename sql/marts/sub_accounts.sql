-- Today's names of the sub-accounts of ai_spend: workspaces and the like, for the providers that list them.
--
-- grain: one sub-account of one provider
-- question: What is the name of a workspace or project?
-- example: select provider, sub_account, sub_account_name from ai_usage_analytics.sub_accounts order by provider,
--   sub_account_name
-- built: view
-- group: spend
-- columns:
--   provider string not null: as in dim_provider
--   sub_account string not null: as in ai_spend
--   sub_account_name string: its name today
select
    provider,
    sub_account,
    min(sub_account_name) as sub_account_name
from `providers/*/sub_account_names`
group by provider, sub_account
