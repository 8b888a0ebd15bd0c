-- Rows of ai_spend that bill what a ChatGPT plan includes: anything of Codex, also a plan's credit counted as a dollar,
-- and anything of ChatGPT that is not a seat of the sheet.
select
    spend_date as activity_date,
    account,
    platform,
    meter,
    charge_type,
    count(*) as row_count,
    sum(coalesce(billed_usd, estimated_usd)) as amount_usd
from ai_usage_analytics.ai_spend
where
    spend_date between @first_day and @last_day
    and provider = 'openai'
    and (
        platform = 'codex'
        or (platform = 'chatgpt' and (charge_type != 'subscription' or meter != 'seat' or account is not null))
        or (platform not in ('chatgpt', 'codex', 'openai_api'))
    )
group by spend_date, account, platform, meter, charge_type
order by activity_date asc, platform asc, meter asc
