-- What people did with Codex in their ChatGPT workspace, and the requests of their API keys. A key or service account
-- without an owner is no person: its requests are not included.
with requests as (
    select
        used.activity_date,
        if(coalesce(owners.mapped_by, 'none') = 'none', users.person_email, owners.user_email) as user_email,
        used.request_count,
        used.input_tokens + coalesce(used.output_tokens, 0) as tokens
    from ai_usage_analytics.openai_usage as used
    left join ai_usage_analytics.dim_api_key_mapping as owners
        on
            used.api_key_id = owners.api_key_id
            and owners.provider = 'openai'
            and used.activity_date >= coalesce(owners.valid_from, date '0001-01-01')
            and used.activity_date < coalesce(owners.valid_to, date '9999-12-31')
    left join ai_usage_analytics.openai_users as users
        on
            used.account = users.account
            and used.user_id = users.user_id
    where
        used.activity_date between @first_day and @last_day
        and used.request_count > 0
        -- These requests are among those of the models that searched.
        and used.endpoint != 'web_search_calls'
)

select
    codex.activity_date,
    coalesce(codex.user_email, users.person_email) as user_email,
    'codex' as tool,
    coalesce(codex.thread_count, 0) + coalesce(codex.turn_count, 0) > 0 or coalesce(codex.credits, 0) > 0 as is_active,
    codex.thread_count as sessions,
    codex.turn_count as requests,
    cast(null as int64) as suggestions,
    cast(null as int64) as suggestions_accepted,
    codex.lines_added,
    cast(null as int64) as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    codex.uncached_input_tokens + codex.cached_input_tokens + codex.output_tokens as tokens
from ai_usage_analytics.codex_usage_stats as codex
left join ai_usage_analytics.openai_users as users
    on
        codex.account = users.account
        and codex.user_id = users.user_id
where codex.activity_date between @first_day and @last_day
union all
select
    activity_date,
    user_email,
    'openai_api' as tool,
    true as is_active,
    cast(null as int64) as sessions,
    sum(request_count) as requests,
    cast(null as int64) as suggestions,
    cast(null as int64) as suggestions_accepted,
    cast(null as int64) as lines_added,
    cast(null as int64) as lines_accepted,
    cast(null as int64) as commits,
    cast(null as int64) as pull_requests,
    sum(tokens) as tokens
from requests
where user_email is not null
group by activity_date, user_email
