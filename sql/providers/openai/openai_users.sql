-- The person behind each of OpenAI's user ids.
--
-- grain: one user of one account
-- step of: openai_attributed_costs
-- built: view
-- group: openai
-- columns:
--   account string not null: the account at the provider
--   user_id string not null: the provider's id
--   person_email string not null: the person's main address, lower-case
select
    account,
    account_user_id as user_id,
    min(person_email) as person_email
from ai_usage_analytics.dim_person_account
where
    provider = 'openai'
    and account_user_id is not null
group by account, account_user_id
