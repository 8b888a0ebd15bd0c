-- The cost of Priority Tier by analytics, which is not in the cost report: if a workspace used Priority Tier tokens of
-- a model and type, the amount by which analytics exceed the cost report there, if it is between half and twice the
-- cost of such tokens elsewhere on the day.
--
-- grain: one model and token type of a workspace with Priority Tier tokens on one UTC day
-- step of: claude_parity
-- built: view
-- group: claude
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   workspace_id string not null: the default workspace has its real id where it is known, else `default`
--   model string not null: the model's id
--   kind string not null: which kind of token
--   tokens integer not null: of Priority Tier
--   priority_tier_usd numeric not null: analytics less cost report, in USD
with priority_tokens as (
    select
        used.activity_date,
        used.account,
        coalesce(used.workspace_id, defaults.workspace_id, 'default') as workspace_id,
        used.model,
        used.kind,
        sum(used.units) as tokens
    from ai_usage_analytics.claude_token_units as used
    left join ai_usage_analytics.claude_default_workspaces as defaults on used.account = defaults.account
    where
        used.is_priority
        and used.kind != 'web_search'
    group by
        used.activity_date, used.account, coalesce(used.workspace_id, defaults.workspace_id, 'default'), used.model,
        used.kind
    having sum(used.units) > 0
),

priced_tokens as (
    select
        activity_date,
        account,
        model,
        kind,
        sum(units) as tokens
    from ai_usage_analytics.claude_token_units
    where
        not is_priority
        and kind != 'web_search'
    group by activity_date, account, model, kind
    having sum(units) > 0
),

-- The cost of a token of the model and type on that day, where it was billed: a double, since it is only a bound.
prices as (
    select
        sides.activity_date,
        sides.account,
        sides.model,
        sides.kind,
        cast(sum(sides.cost_report_usd) as float64) / cast(max(priced_tokens.tokens) as float64) as usd_a_token
    from ai_usage_analytics.claude_report_sides as sides
    inner join priced_tokens
        on
            sides.activity_date = priced_tokens.activity_date
            and sides.account = priced_tokens.account
            and sides.model = priced_tokens.model
            and sides.kind = priced_tokens.kind
    group by sides.activity_date, sides.account, sides.model, sides.kind
    having sum(sides.cost_report_usd) > 0
),

cells as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        kind,
        sum(analytics_usd) - sum(cost_report_usd) as difference_usd,
        cast(count(*) as numeric) * cast('0.000000001' as numeric) as rounded_usd
    from ai_usage_analytics.claude_report_sides
    where is_in_console
    group by activity_date, account, workspace_id, model, kind
)

select
    cells.activity_date,
    cells.account,
    cells.workspace_id,
    cells.model,
    cells.kind,
    priority_tokens.tokens,
    cells.difference_usd as priority_tier_usd
from cells
inner join priority_tokens
    on
        cells.activity_date = priority_tokens.activity_date
        and cells.account = priority_tokens.account
        and cells.workspace_id = priority_tokens.workspace_id
        and cells.model = priority_tokens.model
        and cells.kind = priority_tokens.kind
left join prices
    on
        cells.activity_date = prices.activity_date
        and cells.account = prices.account
        and cells.model = prices.model
        and cells.kind = prices.kind
where
    cells.difference_usd > cells.rounded_usd
    and (
        prices.usd_a_token is null
        or cast(cells.difference_usd as float64)
        between 0.5 * prices.usd_a_token * cast(priority_tokens.tokens as float64)
        and 2 * prices.usd_a_token * cast(priority_tokens.tokens as float64)
    )
