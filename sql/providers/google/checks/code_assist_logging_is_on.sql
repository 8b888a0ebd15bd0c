-- Projects with answers of Code Assist and no entry of its metadata log on that day. A project that is known by its
-- number alone, because a folder or an organization was asked, is not included: its log may not be read.
with logged as (
    select distinct
        activity_date,
        account,
        project_id
    from ai_usage_analytics.gemini_code_assist_stats
    where activity_date between @first_day and @last_day
)

select
    used.activity_date,
    used.account,
    used.project_id,
    sum(used.quantity) as responses
from ai_usage_analytics.gemini_usage as used
left join logged
    on
        used.activity_date = logged.activity_date
        and used.account = logged.account
        and used.project_id = logged.project_id
where
    used.activity_date between @first_day and @last_day
    and used.platform = 'gemini_code_assist'
    and used.meter = 'responses'
    and used.quantity > 0
    and not regexp_contains(used.project_id, r'^[0-9]+$')
    and logged.project_id is null
group by used.activity_date, used.account, used.project_id
order by used.activity_date, used.account, used.project_id
