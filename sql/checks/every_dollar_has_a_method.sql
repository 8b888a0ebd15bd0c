-- Rows of ai_spend with an attribution that contradicts itself: an unknown method, a person without a method, a method
-- without a person, or an unattributed row with a person or team.
with counted as (
    select
        spend_date,
        provider,
        attribution_method,
        coalesce(billed_usd, estimated_usd) as row_usd,
        case
            when attribution_method not in ('actor', 'key_sheet', 'key_creator', 'seat', 'unattributed')
                then 'an unknown method'
            when attribution_method in ('actor', 'seat') and user_email is null then 'no person'
            when attribution_method in ('key_sheet', 'key_creator') and api_key_id is null then 'no key'
            when
                attribution_method in ('key_sheet', 'key_creator') and user_email is null and team_name is null
                then 'neither person nor team'
            when attribution_method = 'unattributed' and user_email is not null then 'a person all the same'
        end as trouble
    from ai_usage_analytics.ai_spend
    where spend_date between @first_day and @last_day
)

select
    spend_date as activity_date,
    provider,
    attribution_method,
    trouble,
    count(*) as row_count,
    sum(row_usd) as usd
from counted
where trouble is not null
group by spend_date, provider, attribution_method, trouble
order by activity_date asc, abs(sum(row_usd)) desc
