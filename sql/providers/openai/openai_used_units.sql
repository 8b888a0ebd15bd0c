-- The units of each meter that every key and user of a project used: the counts of the usage reports, under the names
-- of cost lines. Tokens of audio and images have separate meters, and tokens read from the cache or written to it are
-- not ordinary input.
--
-- grain: one meter of one model and tier, by one key and user of one project on one UTC day
-- step of: openai_cost_shares
-- built: view
-- group: openai
-- columns:
--   activity_date date not null: the UTC day
--   account string not null: the account at the provider
--   project_id string: null where the report names no project
--   api_key_id string: null without a key, and where the report does not have it
--   user_id string: null for a service account, and where the report does not have it
--   model string: lower-case; null where the report does not have it
--   model_alias string: the model without the date of its snapshot
--   service_tier string: default, batch, flex, priority, …; null where the report does not have it
--   meter string not null: as in openai_costs
--   has_keys boolean not null: the report knows API keys
--   is_priced boolean not null: a price is published for these units; false for what is free, for storage (the first
--     gibibyte is free), and for a second way to count what another meter counts
--   units integer: tokens, requests, images, characters, seconds, sessions or bytes
--   unit string: which of them
with meters as (
    select meter
    from unnest([
        'input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'audio_input_tokens',
        'audio_cached_input_tokens', 'audio_output_tokens', 'image_input_tokens', 'image_cached_input_tokens',
        'image_output_tokens', 'model_use', 'images', 'characters', 'audio_seconds', 'web_search', 'file_search',
        'code_interpreter', 'storage'
    ]) as meter
),

used as (
    select
        *,
        case
            when is_batch then 'batch'
            when lower(service_tier) in ('auto', 'default', 'standard') then 'default'
            when service_tier is not null then lower(service_tier)
            when not is_batch then 'default'
        end as tier,
        case endpoint
            when 'decisions' then 'completions'
            when 'moderations' then 'embeddings'
            else endpoint
        end as kind
    from ai_usage_analytics.openai_usage
),

counted as (
    select
        used.activity_date,
        used.account,
        used.project_id,
        used.api_key_id,
        used.user_id,
        used.tier as service_tier,
        meters.meter,
        lower(used.model) as model,
        used.endpoint not in ('code_interpreter_sessions', 'vector_stores') as has_keys,
        used.endpoint not in ('moderations', 'vector_stores')
        and (used.kind = 'embeddings') = (meters.meter = 'model_use') as is_priced,
        case concat(used.kind, ' ', meters.meter)
            when 'completions input_tokens'
                then
                    used.input_tokens - coalesce(used.input_cached_tokens, 0)
                    - coalesce(used.input_cache_write_tokens, 0) - coalesce(used.input_audio_tokens, 0)
                    - coalesce(used.input_image_tokens, 0)
            when 'completions cached_input_tokens'
                then
                    used.input_cached_tokens - coalesce(used.input_cached_audio_tokens, 0)
                    - coalesce(used.input_cached_image_tokens, 0)
            when 'completions cache_write_tokens' then used.input_cache_write_tokens
            when 'completions output_tokens'
                then
                    used.output_tokens - coalesce(used.output_audio_tokens, 0)
                    - coalesce(used.output_image_tokens, 0)
            when 'completions audio_input_tokens' then used.input_audio_tokens
            when 'completions audio_cached_input_tokens' then used.input_cached_audio_tokens
            when 'completions audio_output_tokens' then used.output_audio_tokens
            when 'completions image_input_tokens' then used.input_image_tokens
            when 'completions image_cached_input_tokens' then used.input_cached_image_tokens
            when 'completions image_output_tokens' then used.output_image_tokens
            when 'completions model_use' then coalesce(used.input_tokens, 0) + coalesce(used.output_tokens, 0)
            when 'embeddings input_tokens' then used.input_tokens
            when 'embeddings model_use' then used.input_tokens
            when 'images images' then used.image_count
            when 'audio_speeches characters' then used.character_count
            when 'audio_transcriptions audio_seconds' then used.audio_seconds
            when 'web_search_calls web_search' then used.call_count
            when 'file_search_calls file_search' then used.call_count
            when 'code_interpreter_sessions code_interpreter' then used.session_count
            when 'vector_stores storage' then used.storage_bytes
        end as units
    from used
    cross join meters
)

select
    activity_date,
    account,
    project_id,
    api_key_id,
    user_id,
    model,
    regexp_replace(model, r'-(20[0-9]{2}-[0-9]{2}-[0-9]{2}|[0-9]{4})$', '') as model_alias,
    service_tier,
    meter,
    has_keys,
    is_priced,
    sum(units) as units,
    case meter
        when 'images' then 'images'
        when 'characters' then 'characters'
        when 'audio_seconds' then 'seconds'
        when 'web_search' then 'requests'
        when 'file_search' then 'requests'
        when 'code_interpreter' then 'sessions'
        when 'storage' then 'bytes'
        else 'tokens'
    end as unit
from counted
where units > 0
group by
    activity_date, account, project_id, api_key_id, user_id, model, service_tier, meter, has_keys, is_priced
