-- The rows of OpenAI's core tables that stand for one record each; a day's cost stands for as many as its bucket had.
select
    'openai_costs' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.openai_costs
where activity_date between @first_day and @last_day
union all
select
    'openai_cost_totals' as pull,
    daily.account,
    daily.activity_date,
    daily.pull_id
from ai_usage_analytics.openai_daily_cost as daily
cross join unnest(generate_array(1, daily.results)) as result_number
where daily.activity_date between @first_day and @last_day
union all
select
    case endpoint
        when 'completions' then 'openai_usage_completions'
        when 'embeddings' then 'openai_usage_embeddings'
        when 'moderations' then 'openai_usage_moderations'
        when 'images' then 'openai_usage_images'
        when 'audio_speeches' then 'openai_usage_audio_speeches'
        when 'audio_transcriptions' then 'openai_usage_audio_transcriptions'
        when 'vector_stores' then 'openai_usage_vector_stores'
        when 'code_interpreter_sessions' then 'openai_usage_code_interpreter_sessions'
        when 'file_search_calls' then 'openai_usage_file_search_calls'
        when 'web_search_calls' then 'openai_usage_web_search_calls'
        when 'decisions' then 'openai_usage_decisions'
    end as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.openai_usage
where activity_date between @first_day and @last_day
union all
select
    'openai_codex_usage' as pull,
    account,
    activity_date,
    pull_id
from ai_usage_analytics.codex_usage_stats
where activity_date between @first_day and @last_day
