-- Payers (a key or an actor) with a measured cost in analytics that differs from their allocated cost, where analytics
-- and the cost lines agree on the cost of one thing in one workspace: there a payer's total must be the measured one,
-- whatever the tiers.
with charged as (
    select
        costs.activity_date,
        costs.account,
        coalesce(costs.workspace_id, defaults.workspace_id, 'default') as workspace_id,
        if(costs.token_type is null, '', coalesce(costs.model, '')) as model,
        coalesce(costs.token_type, costs.cost_type, '') as kind,
        costs.amount_usd
    from ai_usage_analytics.claude_costs as costs
    left join ai_usage_analytics.claude_default_workspaces as defaults on costs.account = defaults.account
    where costs.activity_date between @first_day and @last_day
),

lines as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        kind,
        sum(amount_usd) as charged_usd,
        count(*) as line_count
    from charged
    group by activity_date, account, workspace_id, model, kind
),

measured as (
    select
        activity_date,
        account,
        workspace_id,
        if(token_type is null, '', coalesce(model, '')) as model,
        coalesce(token_type, cost_type, '') as kind,
        coalesce(api_key_id, '') as api_key_id,
        coalesce(user_email, '') as user_email,
        amount_usd
    from ai_usage_analytics.claude_measured_costs
    where
        activity_date between @first_day and @last_day
        and is_in_cost_report
),

wholes as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        kind,
        sum(amount_usd) as measured_usd,
        count(*) as row_count
    from measured
    group by activity_date, account, workspace_id, model, kind
),

agreed as (
    select
        lines.activity_date,
        lines.account,
        lines.workspace_id,
        lines.model,
        lines.kind,
        cast(lines.line_count + wholes.row_count as numeric) * cast('0.000000001' as numeric) as rounding_usd
    from lines
    inner join wholes
        on
            lines.activity_date = wholes.activity_date
            and lines.account = wholes.account
            and lines.workspace_id = wholes.workspace_id
            and lines.model = wholes.model
            and lines.kind = wholes.kind
    where
        abs(lines.charged_usd - wholes.measured_usd)
        <= cast(lines.line_count + wholes.row_count as numeric) * cast('0.000000001' as numeric)
        and wholes.measured_usd > 0
),

sides as (
    select
        activity_date,
        account,
        workspace_id,
        model,
        kind,
        api_key_id,
        user_email,
        amount_usd as measured_usd,
        cast(0 as numeric) as allocated_usd
    from measured
    union all
    select
        expense_date as activity_date,
        account,
        workspace_id,
        if(token_type is null, '', coalesce(model, '')) as model,
        coalesce(token_type, cost_type, '') as kind,
        coalesce(api_key_id, '') as api_key_id,
        coalesce(actor_email, '') as user_email,
        cast(0 as numeric) as measured_usd,
        cost_usd as allocated_usd
    from ai_usage_analytics.claude_cost_shares
    where expense_date between @first_day and @last_day
)

select
    sides.activity_date,
    sides.account,
    sides.workspace_id,
    nullif(sides.model, '') as model,
    sides.kind,
    nullif(sides.api_key_id, '') as api_key_id,
    nullif(sides.user_email, '') as user_email,
    sum(sides.measured_usd) as measured_usd,
    sum(sides.allocated_usd) as allocated_usd
from sides
inner join agreed
    on
        sides.activity_date = agreed.activity_date
        and sides.account = agreed.account
        and sides.workspace_id = agreed.workspace_id
        and sides.model = agreed.model
        and sides.kind = agreed.kind
group by
    sides.activity_date, sides.account, sides.workspace_id, sides.model, sides.kind, sides.api_key_id, sides.user_email,
    agreed.rounding_usd
having abs(sum(sides.measured_usd) - sum(sides.allocated_usd)) > agreed.rounding_usd
order by sides.activity_date asc, abs(sum(sides.measured_usd) - sum(sides.allocated_usd)) desc
