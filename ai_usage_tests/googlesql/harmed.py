"""The small company with faults: in HARMED each check of `sql/` finds something.

A check that reads a mart fails because of the lines that HARM has for the mart; they are added after its own rows.
"""

from datetime import date

from ai_usage_tests.googlesql.google_usage_world import HARMED_USAGE
from ai_usage_tests.googlesql.lines import (
    ANALYTICS,
    ANN,
    BILLED,
    BOB,
    BY_SCOPE,
    CODE,
    CODING,
    EARLIER,
    EVE,
    EVENT,
    EXPENSE,
    FRI,
    LINE,
    OF_ANN,
    OPUS,
    OUTPUT,
    SHARE,
    SONNET,
    SPEND,
    STATS,
    TEAM,
    THU,
    TOKENS,
    WED,
    Lines,
    lines_of,
)
from ai_usage_tests.googlesql.openai_world import BY_KEY
from ai_usage_tests.googlesql.world import ORDINARY

# The lines that HARMED has in addition, each for one check.
HARM: Lines = {
    "ai_usage_raw.pulls": lines_of(
        "pull activity_date pull_id records pulled_at",
        ("cursor_usage_events", FRI, "pull-2", 9, "2024-03-02T06:00:01Z"),
        ("claude_cost_report", WED, "pull-0", 1, "2024-03-10T06:00:00Z"),  # final, and restated later
    ),
    "ai_usage_analytics.claude_costs": lines_of(
        LINE,
        (WED, TEAM, "Team", OPUS, OUTPUT, "tokens", "standard", "0-200k", "output", "8.5", "standard"),
        (WED, TEAM, "Team", None, None, None, None, None, None, "16.92345679", None),
    ),
    "ai_usage_analytics.claude_analytics_costs": lines_of(
        ANALYTICS,
        (THU, "claude_code", CODING, "apikey_code", "user_actor", ANN, SONNET, OUTPUT, "tokens", "0.7", "0.75"),
    ),
    "ai_usage_analytics.claude_usage_tokens": lines_of(
        TOKENS,
        (THU, "apikey_bot", None, OPUS, "standard", "200k-1M", 0, 17, 0, 5, 0),
        (FRI, "apikey_bot", None, None, None, None, 8, 9, 0, 0, 0),
    ),
    "ai_usage_analytics.claude_code_usage_stats": lines_of(
        CODE,
        (THU, ANN, None, "api", None, 1, 1, OPUS, "0.765000016", 1, 1, 0, 0),  # just 5 % and a cent above, not more
        (FRI, ANN, None, "api", None, 1, 1, OPUS, "9", 1, 1, 0, 0),
    ),
    "ai_usage_analytics.cursor_usage_stats": lines_of(
        STATS,
        (WED, "2024-02-28T00:00:00Z", "odd@example.com", "5", True, 0, 0, 0, 0, None),
        (THU, "2024-02-29T00:00:00Z", "odd@example.com", "5", False, 2, 0, 1, 2, None),
        (FRI, "2024-03-01T00:00:00Z", "odd@example.com", "5", None, -1, 0, 0, 0, None),
    ),
    "ai_usage_analytics.cursor_usage_events": lines_of(
        EVENT,
        (THU, "2024-03-01T00:00:00Z", EVE, None, "auto", "Usage-based", True, True, "0.5", 1, 2, 0, 0, "0.5"),
    ),
    "ai_usage_analytics.spend_versions": lines_of(
        "activity_date provider billed_usd known_from known_to pull_id",
        (THU, "anthropic", "1", "2024-03-01T06:00:00Z", "2024-03-01T07:00:00Z", "pull-0"),
    ),
    "ai_usage_analytics.cursor_spend_limits": lines_of(
        "cycle_start_at user_id user_email effective_limit_usd spend_usd ingestion_timestamp account",
        ("2024-02-28T00:00:00Z", "user_6", "idle@example.com", "50", "50.01", "2024-03-01T06:00:00Z", "default"),
        ("2024-02-28T00:00:00Z", "user_7", None, "50", "40", "2024-03-01T06:00:00Z", "eu"),
    ),
    "ai_usage_analytics.dim_cursor_member": lines_of(
        "user_id user_email user_name role is_removed", ("user_6", "idle@example.com", "Idle", "member", False)
    ),
    "ai_usage_analytics.dim_account": lines_of(
        "provider account account_name provider_account_id is_configured is_expected",
        ("anthropic", "renamed", "Mock", "org-1", True, True),
    ),
    "ai_usage_analytics.console_figures": lines_of(
        "row_number provider period_start period_end workspace_id amount_usd",
        (4, "anthropic", "2024-02-29", "2024-03-05", None, "1"),
        (5, "anthropic", "2024-02-28", "2024-03-01", TEAM, "1"),
    ),
    "ai_usage_analytics.record_rejections": lines_of(
        "provider account pull activity_date position field reason value_shape",
        ("cursor", "default", "cursor_usage_events", THU, 1, "chargedCents", "null is not an amount of money", "null"),
        ("google_sheets", "default", "sheet_budgets", None, 2, "amount_usd", "is missing", "absent"),
    ),
    "ai_usage_analytics.dim_api_key_mapping": lines_of(
        "provider api_key_id mapped_by user_email valid_from valid_to",
        ("anthropic", "apikey_old", "sheet", None, None, None),
        ("anthropic", "apikey_ann", "sheet", BOB, "2024-02-20", "2024-03-01"),
        ("anthropic", "apikey_typo", "sheet", BOB, None, None),
    ),
    "ai_usage_analytics.dim_person": lines_of(
        "user_email person_email is_in_sheet team_name", ("typo@example.com", "typo@example.com", True, "Data")
    ),
    "ai_usage_analytics.claude_cost_shares": lines_of(
        SHARE,
        (WED, TEAM, OPUS, "tokens", OUTPUT, "standard", "measured", "0.000000001"),
        (THU, CODING, SONNET, "tokens", OUTPUT, "standard", "measured", "0.1"),
    ),
    "ai_usage_analytics.claude_expenses": lines_of(
        EXPENSE, (THU, "unsegmented", "unknown", True, TEAM, "tokens", "-0.000000001")
    ),
    "ai_usage_analytics.ai_spend": lines_of(
        SPEND,
        (WED, "cursor", "cursor", "t", None, ANN, "usage_based", "usage", "1", "1", "actor", "final"),
        (WED, "cursor", "cursor", "t", None, None, "request_formula", "usage", "1", None, "actor", "final"),
        (WED, "cursor", "cursor", "t", None, None, "seat", "usage", None, "0.1", "key_sheet", "final"),
        (THU, "anthropic", "claude_code", "o", None, ANN, OUTPUT, "usage", None, None, "unattributed", "final"),
        (THU, "anthropic", "claude_api", "o", "k", None, OUTPUT, "usage", "0.1", None, "key_creator", "final"),
        (FRI, "anthropic", "claude_code", "o", None, ANN, "claude_code_estimate", "usage", None, "9", "guess", "final"),
    ),
}
HARM["ai_usage_analytics.ai_spend"] += lines_of(BILLED, (WED, *OF_ANN, "480.5", "key_sheet", "final"))
HARM["ai_usage_analytics.ai_spend"] += lines_of(BILLED, (WED, "unknown", *OF_ANN[1:], "0.5", "key_sheet", "final"))
HARM["ai_usage_analytics.ai_spend"] += lines_of(
    SPEND, (WED, "openai", "codex", "o", None, ANN, "credits", "usage", "0.5", None, "actor", "final")
)
HARM |= {
    "ai_usage_analytics.openai_costs": lines_of(
        "activity_date project_id line_item model meter amount_usd grouped_by",
        (WED, "proj_a", "Text tokens", None, "text_tokens", "1", BY_KEY),
        (FRI, "proj_a", "gpt-4o, input", "gpt-4o", "input_tokens", "1", ""),
    ),
    "ai_usage_analytics.openai_usage": lines_of(
        "activity_date endpoint project_id api_key_id model input_tokens output_tokens input_audio_tokens",
        (THU, "completions", "proj_b", "key_bob", "gpt-novel", 5, 7, 2),
        (WED, "completions", "proj_b", "key_bob", "gpt-4o", None, 7, None),
    ),
    "ai_usage_analytics.openai_cost_shares": lines_of(
        "activity_date line line_item meter service_tier allocation_method amount_usd",
        (WED, 1, None, "input_tokens", "default", "unallocated", "0.000000001"),
    ),
}
HARM["ai_usage_analytics.gemini_costs"] = lines_of(
    "activity_date service_name sku_name rule_name meter cost_type charge_type billed_amount billed_currency"
    " amount_usd",
    (WED, "Vertex AI", "Something new", None, "something new", "regular", "usage", "0.000000001", "EUR", "0.5"),
    (FRI, "Vertex AI", "Nvidia GPU", "Vertex AI, machines", "nvidia gpu", "regular", "usage", "1", "USD", "1"),
)
HARM |= HARMED_USAGE
HARM["ai_usage_analytics.spend_by_scope"] = lines_of(
    BY_SCOPE,
    *((str(day), "provider", "unknown", "3", "3", "0", True) for day in [*EARLIER, date(2024, 3, 1)]),
)
HARM["ai_usage_analytics.budgets"] = lines_of(
    "row_number month scope scope_name amount_usd",
    (5, "2024-02", "team", "data", "200"),
    (6, "2024-03", "provider", "unknown", "30.5"),
)
HARM["ai_usage_analytics.cursor_usage_stats"] += lines_of(
    STATS,
    *((str(day), f"{day}T00:00:00Z", "idle@example.com", "6", False, 0, 0, 0, 0, None) for day in EARLIER[-25:]),
    (FRI, "2024-03-01T00:00:00Z", "idle@example.com", "6", None, 0, 0, 0, 0, None),
)
HARMED = {address: [*ORDINARY.get(address, []), *HARM.get(address, [])] for address in ORDINARY | HARM}
HARMED["ai_usage_raw.pulls"] = [row for row in HARMED["ai_usage_raw.pulls"] if row != ORDINARY["ai_usage_raw.pulls"][2]]
HARMED["ai_usage_analytics.dim_workspace"] = [  # for a provider that does not report the id of the default workspace
    row | {"workspace_id": None} if row["is_default"] else row for row in ORDINARY["ai_usage_analytics.dim_workspace"]
]
HARMED["ai_usage_analytics.cursor_usage_stats"] = [
    row
    for row in HARMED["ai_usage_analytics.cursor_usage_stats"]
    if (row["activity_date"], row["user_email"]) not in {(THU, ANN), (FRI, EVE)}
]
WORLDS = {"ordinary": ORDINARY, "harmed": HARMED}
