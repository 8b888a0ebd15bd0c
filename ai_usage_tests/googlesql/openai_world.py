"""What the small company of `world` has at OpenAI, which adds up too.

On Wednesday costs are by key, on Thursday by project, on Friday by line item alone. Thursday's line of an alias has the
use of its snapshot, by three payers with two nano-dollars left, and that of the priority tier, which has no line.
"""

from ai_usage_tests.googlesql.lines import ANN_TOO, FRI, THU, WED, Lines, lines_of

BY_KEY, BY_PROJECT, BY_LINE = "project_id,line_item,api_key_id", "project_id,line_item", "line_item"
GPT, DATED, EMBEDDING, WHISPER = "gpt-4o", "gpt-4o-2024-08-06", "text-embedding-3-small", "whisper-1"
IN, OUT, CACHED = "input_tokens", "output_tokens", "cached_input_tokens"
CREDIT, MINUTES = "promotional credit", "duration_minutes"
COST = "activity_date project_id api_key_id line_item model meter service_tier amount_usd quantity quantity_unit"
COST += " grouped_by"
USE = "activity_date endpoint project_id user_id api_key_id model is_batch service_tier request_count"
TOKENS = f"{USE} input_tokens input_cached_tokens output_tokens"
CODEX = "activity_date account user_id user_email thread_count turn_count credits uncached_input_tokens"
CODEX += " cached_input_tokens output_tokens lines_added lines_removed"

OPENAI: Lines = {
    "ai_usage_analytics.openai_costs": lines_of(
        COST,
        (WED, "proj_a", "key_ann", f"{DATED}, input", DATED, IN, None, "0.0015", "0.6", "1000_tokens", BY_KEY),
        (WED, "proj_a", "key_ann", f"{DATED}, cached input", DATED, CACHED, None, "0.0005", "400", "tokens", BY_KEY),
        (WED, "proj_a", "key_ann", f"{DATED}, output", DATED, OUT, None, "0.002", None, None, BY_KEY),
        (WED, "proj_a", "key_bot", f"{GPT}, batch input", GPT, IN, "batch", "0.00125", "600", "tokens", BY_KEY),
        (WED, "proj_a", "key_bot", f"{GPT}, batch input", GPT, IN, "batch", None, "1", "tokens", BY_KEY),
        (WED, "proj_a", "key_bot", f"{GPT}, batch input", GPT, IN, "batch", "0", "400", "tokens", BY_KEY),
        (WED, "proj_b", "key_bob", EMBEDDING, EMBEDDING, "model_use", None, "0.02", "1000", "1000_tokens", BY_KEY),
        (WED, "proj_b", None, "web search tool calls", None, "web_search", None, "0.03", "3", None, BY_KEY),
        (WED, "proj_b", None, "vector store storage", None, "storage", None, "0.004", "1.5", "gibibyte_hours", BY_KEY),
        (THU, "proj_a", None, f"{GPT}, input", GPT, IN, None, "0.000008", "0.003", "1000_tokens", BY_PROJECT),
        (THU, "proj_a", None, CREDIT, None, CREDIT, None, "-0.000001", None, None, BY_PROJECT),
        (THU, "proj_b", None, WHISPER, WHISPER, "audio_seconds", None, "0.012", "2", MINUTES, BY_PROJECT),
        (FRI, None, None, f"{GPT}, output", GPT, OUT, None, "0.0001", None, None, BY_LINE),
    ),
    "ai_usage_analytics.openai_daily_cost": lines_of(
        "activity_date amount_usd results", (WED, "0.05925", 1), (THU, "0.012007", 1), (FRI, "0.0001", 1)
    ),
    "ai_usage_analytics.openai_usage": [
        *lines_of(
            TOKENS,
            (WED, "completions", "proj_a", "user-ann", "key_ann", DATED, False, "default", 2, 1000, 400, 200),
            (WED, "completions", "proj_a", None, "key_bot", DATED, True, None, 1, 1000, None, None),
            (WED, "embeddings", "proj_b", None, "key_bob", EMBEDDING, None, None, 9, 1_000_000, None, None),
            (WED, "moderations", "proj_b", None, "key_bob", "omni-moderation", None, None, 9, 77, None, None),
            (THU, "completions", "proj_a", "user-ann", "key_ann", DATED, False, "default", 1, 1, 0, None),
            (THU, "completions", "proj_a", None, "key_bot", GPT, False, None, 1, 1, None, None),
            (THU, "completions", "proj_a", "user-eve", None, DATED, False, "priority", 1, 1, None, None),
            (FRI, "completions", "proj_a", "user-ann", "key_ann", GPT, None, None, 1, 0, None, 7),
            (FRI, "completions", "proj_b", None, None, GPT, None, None, 1, None, None, 3),
        ),
        *lines_of(
            f"{USE} call_count",
            (WED, "web_search_calls", "proj_b", "user-eve", None, GPT, None, None, 2, 2),
            (WED, "web_search_calls", "proj_b", None, None, GPT, None, None, 1, 1),
        ),
        *lines_of(
            f"{USE} audio_seconds",
            (THU, "audio_transcriptions", "proj_b", "user-new", None, WHISPER, None, None, 1, 120),
        ),
        *lines_of("activity_date endpoint project_id storage_bytes", (WED, "vector_stores", "proj_b", 12_345)),
    ],
    "ai_usage_analytics.openai_projects": lines_of(
        "project_id project_name status created_at archived_at",
        ("proj_a", "Alpha", "active", "2023-01-01T00:00:00Z", None),
        ("proj_b", None, "archived", "2023-01-01T00:00:00Z", "2024-02-29T12:00:00Z"),
    ),
    "ai_usage_analytics.codex_usage_stats": lines_of(
        CODEX,
        (WED, "chatgpt", "u-1", ANN_TOO, 2, 9, "12.5", 1000, 400, 300, 40, 3),
        (THU, "default", "user-eve", None, 1, 0, None, None, None, None, None, None),
        (FRI, "chatgpt", "u-1", ANN_TOO, 0, 0, "0", 0, 0, 0, None, None),
    ),
}
