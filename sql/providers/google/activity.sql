-- What people did with Code Assist, by its metadata log, and the requests of their API keys of the Gemini API. A key
-- without an owner, and a service account, is no person: its requests are not included. Suggestions are those of code;
-- answers of the chat are requests.
select
    activity_date,
    user_email,
    'gemini_code_assist' as tool,
    code_exposures + code_acceptances + chat_exposures + chat_acceptances + api_requests > 0 as is_active,
    cast(null as int64) as sessions,
    chat_exposures + api_requests as requests,
    code_exposures as suggestions,
    code_acceptances as suggestions_accepted,
    cast(null as int64) as lines_added,
    code_lines_accepted + chat_lines_accepted as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    cast(null as int64) as tokens
from ai_usage_analytics.gemini_code_assist_stats
where
    activity_date between @first_day and @last_day
    and user_email is not null
union all
select
    used.activity_date,
    owners.user_email,
    'gemini_api' as tool,
    true as is_active,
    cast(null as int64) as sessions,
    sum(used.quantity) as requests,
    cast(null as int64) as suggestions,
    cast(null as int64) as suggestions_accepted,
    cast(null as int64) as lines_added,
    cast(null as int64) as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    cast(null as int64) as tokens
from ai_usage_analytics.gemini_usage as used
inner join ai_usage_analytics.dim_api_key_mapping as owners
    on
        used.api_key_id = owners.api_key_id
        and owners.provider = 'google'
        and used.activity_date >= coalesce(owners.valid_from, date '0001-01-01')
        and used.activity_date < coalesce(owners.valid_to, date '9999-12-31')
where
    used.activity_date between @first_day and @last_day
    and used.platform = 'gemini_api'
    and used.meter = 'requests'
    and used.quantity > 0
    and owners.user_email is not null
group by used.activity_date, owners.user_email
