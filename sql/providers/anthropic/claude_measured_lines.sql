-- The measured part of the cost report in analytics, as input of the allocation of cost lines: no column that is
-- matched with claude_charged_lines is null.
--
-- grain: one row of claude_measured_costs that is in the cost report
-- step of: claude_cost_shares
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: as in claude_charged_lines
--   product string: as analytics has it
--   api_key_id string: null without a key
--   actor_type string: as analytics has it
--   actor_email string: the user that analytics names, lower-case
--   model string: as analytics has it; null where none was used
--   line_model string not null: the model as in claude_charged_lines; empty where no token was bought
--   cost_type string not null: as in claude_charged_lines
--   token_type string not null: as in claude_charged_lines
--   is_batch boolean not null: tokens of the batch product
--   amount_usd numeric not null: billed, in USD
--   list_usd numeric not null: the same at list price
select
    activity_date,
    account,
    workspace_id,
    product,
    api_key_id,
    actor_type,
    user_email as actor_email,
    model,
    if(token_type is null, '', coalesce(model, '')) as line_model,
    coalesce(cost_type, '') as cost_type,
    coalesce(token_type, '') as token_type,
    coalesce(token_type is not null and product = 'message_batches_api', false) as is_batch,
    amount_usd,
    list_usd
from ai_usage_analytics.claude_measured_costs
where is_in_cost_report
