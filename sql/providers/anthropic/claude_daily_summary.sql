-- Cost of tokens by kind: one row for each day, workspace and model, from the provider's own cost lines.
--
-- grain: one model in one workspace of an account on one UTC day
-- question: What did input, output and cache of each Claude model cost on each day?
-- example: select activity_date, workspace_name, model, input_usd, output_usd, cache_read_usd, total_usd from
--   ai_usage_analytics.claude_daily_summary order by activity_date, total_usd desc
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   workspace_name string: as named in the Console; null if no longer listed
--   model string: null where none was used, as for web searches and machine time
--   input_usd numeric not null: uncached input tokens
--   output_usd numeric not null: output tokens
--   cache_read_usd numeric not null: input tokens read from cache
--   cache_write_usd numeric not null: input tokens written to cache, of both lifetimes
--   other_usd numeric not null: other than tokens: web searches, code execution, sessions
--   total_usd numeric not null: all of it
select
    costs.activity_date,
    costs.account,
    coalesce(costs.workspace_id, defaults.workspace_id, 'default') as workspace_id,
    max(costs.workspace_name) as workspace_name,
    costs.model,
    sum(if(costs.token_type = 'uncached_input_tokens', costs.amount_usd, 0)) as input_usd,
    sum(if(costs.token_type = 'output_tokens', costs.amount_usd, 0)) as output_usd,
    sum(if(costs.token_type = 'cache_read_input_tokens', costs.amount_usd, 0)) as cache_read_usd,
    sum(if(costs.token_type like 'cache_creation%', costs.amount_usd, 0)) as cache_write_usd,
    sum(
        if(
            costs.token_type in ('uncached_input_tokens', 'output_tokens', 'cache_read_input_tokens')
            or costs.token_type like 'cache_creation%', 0, costs.amount_usd
        )
    ) as other_usd,
    sum(costs.amount_usd) as total_usd
from ai_usage_analytics.claude_costs as costs
left join ai_usage_analytics.claude_default_workspaces as defaults on costs.account = defaults.account
group by costs.activity_date, costs.account, costs.workspace_id, defaults.workspace_id, costs.model
