-- All that was billed in the period, by platform and kind of charge, dearest first. What is only estimated is not here.
select
    concat(
        case platform
            when 'claude_api' then 'Claude API'
            when 'claude_code' then 'Claude Code, by use'
            when 'workbench' then 'Claude Workbench'
            when 'claude.ai' then 'claude.ai'
            when 'cursor' then 'Cursor'
            else 'Claude, platform unknown'
        end,
        if(charge_type = 'subscription', ' seats', if(platform = 'cursor', ', on demand', ''))
    ) as label,
    sum(billed_usd) as cost_usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and billed_usd is not null
group by label
order by cost_usd desc
