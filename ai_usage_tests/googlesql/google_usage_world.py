"""What the small company of `world` uses at Google: tokens and requests, Code Assist by two people, licenses."""

from ai_usage_tests.googlesql.lines import ANN, ANN_TOO, BOB, EVE, FRI, KEY, THU, WED, Lines, lines_of

FLASH, PRO = "gemini-2.5-flash", "gemini-2.5-pro"
IN, OUT = "input_tokens", "output_tokens"
INPUT = "generativelanguage.googleapis.com/quota/generate_content_{}_input_token_count/usage"
OUTPUT = "generativelanguage.googleapis.com/generate_content_usage_output_token_count"
REQUESTS = "serviceruntime.googleapis.com/api/request_count"
VERTEX = "aiplatform.googleapis.com/publisher/online_serving/token_count"
ANSWERS = "cloudaicompanion.googleapis.com/usage/response_count"
A, B = "project-a", "project-b"
API, AGENTS, ASSIST = "gemini_api", "vertex_ai", "gemini_code_assist"
SERIES = "activity_date project_id platform metric_type meter model quantity record_count"
STATS = "activity_date project_id user_email code_exposures code_acceptances code_lines_accepted chat_exposures"
STATS += " chat_acceptances chat_lines_accepted api_requests record_count"
LICENSE = "order_id plan_name user_email is_assigned license_count order_licenses assignment assigned_at last_used_at"
ORDER = ("order-1", "Code Assist Standard")

GOOGLE_KEYS = lines_of(
    KEY,
    ("google", None, "key_gem", "gem", None, None, ANN_TOO, "Data", None, "sheet", None, THU),
    ("google", None, "key_gem", "gem", None, None, EVE, "Data", None, "sheet", THU, None),
    ("google", None, "key_robot", "robot", None, None, None, "Ops", None, "sheet", None, None),
)
GOOGLE_USAGE: Lines = {
    "ai_usage_analytics.gemini_usage": [
        *lines_of(
            f"{SERIES} tier twin_quantity",
            (WED, A, API, INPUT.format("paid_tier"), IN, FLASH, 3900, 2, "paid_tier", 3900),
            (WED, A, API, INPUT.format("free_tier"), IN, FLASH, 900_000, 2, "free_tier", 900_000),
            (THU, B, API, INPUT.format("free_tier"), IN, FLASH, 700_000, 2, "free_tier", 700_000),
        ),
        *lines_of(
            SERIES,
            (WED, A, API, OUTPUT, OUT, FLASH, 70, 1),
            (THU, B, API, OUTPUT, OUT, FLASH, 500_000, 1),
            (WED, A, ASSIST, ANSWERS, "responses", None, 4, 1),
        ),
        *lines_of(
            f"{SERIES} credential_id api_key_id response_code is_error",
            (WED, A, API, REQUESTS, "requests", None, 6, 1, "apikey:key_gem", "key_gem", "200", False),
            (WED, A, API, REQUESTS, "requests", None, 2, 1, "apikey:key_gem", "key_gem", "429", True),
            (THU, A, API, REQUESTS, "requests", None, 3, 1, "apikey:key_gem", "key_gem", "200", False),
            (THU, A, API, REQUESTS, "requests", None, 9, 1, "apikey:key_robot", "key_robot", "200", False),
            (THU, B, AGENTS, REQUESTS, "requests", None, 8, 1, "serviceaccount:1", None, "200", False),
        ),
        *lines_of(
            f"{SERIES} request_type publisher",
            (THU, B, AGENTS, VERTEX, OUT, PRO, 3100, 1, "shared", "google"),
            (THU, B, AGENTS, VERTEX, IN, "glm-5", 900_000, 1, "shared", "zai"),
        ),
    ],
    "ai_usage_analytics.gemini_code_assist_stats": lines_of(
        STATS,
        (WED, A, ANN_TOO, 4, 2, 31, 1, 1, 12, 3, 14),
        (WED, A, None, 1, 0, 0, 0, 0, 0, 0, 1),
        (THU, A, EVE, 0, 1, None, 0, 0, 0, 0, 1),
        (FRI, B, EVE, 0, 0, 0, 0, 0, 0, 1, 1),
    ),
    "ai_usage_analytics.gemini_licenses": lines_of(
        LICENSE,
        (*ORDER, ANN, True, 1, 12, "automatic", "2024-01-01T00:00:00Z", "2024-03-01T08:00:00Z"),
        (*ORDER, EVE, True, 1, 12, "automatic", "2024-02-20T00:00:00Z", None),
        (*ORDER, BOB, True, 1, 12, "automatic", "2024-02-25T00:00:00Z", None),
    ),
}
HARMED_USAGE: Lines = {
    "ai_usage_analytics.gemini_usage": [
        *lines_of(
            f"{SERIES} tier twin_quantity",
            (WED, A, API, INPUT.format("paid_tier"), IN, FLASH, 500_000, 2, "paid_tier", 499_000),
        ),
        *lines_of(SERIES, (FRI, "project-c", ASSIST, ANSWERS, "responses", None, 7, 1)),
    ],
    "ai_usage_analytics.gemini_licenses": lines_of(
        LICENSE,
        (*ORDER, ANN, True, 1, 12, "automatic", None, None),
        (*ORDER, None, False, 11, 12, "automatic", None, None),
    ),
}
