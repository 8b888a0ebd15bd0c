"""A company small enough to know by heart, which two engines are asked about. In ORDINARY everything adds up.

A new table gets its lines in ORDINARY: its name and the columns that matter. Marts have none: their own SELECTs fill
them. A new parameter gets its line in PARAMETERS.
"""

from datetime import date, datetime

from ai_usage.core.providers import platform_rows, provider_rows
from ai_usage.providers.registry import PROVIDERS
from ai_usage_tests.googlesql.engine import Parameter
from ai_usage_tests.googlesql.google_usage_world import GOOGLE_KEYS, GOOGLE_USAGE
from ai_usage_tests.googlesql.google_world import GOOGLE
from ai_usage_tests.googlesql.lines import (
    ANALYTICS,
    ANN,
    ANN_TOO,
    BILLED,
    BOB,
    BY_SCOPE,
    CACHED,
    CHECK_RESULT,
    CODE,
    CODE_MODEL,
    CODING,
    EARLIER,
    EVE,
    EVENT,
    FRI,
    KEY,
    LINE,
    MAIN,
    OF_ANN,
    OPUS,
    OUTPUT,
    SONNET,
    STATS,
    TEAM,
    THU,
    TOKENS,
    UNCACHED,
    WED,
    Lines,
    lines_of,
    pulled,
    stored,
    usage,
)
from ai_usage_tests.googlesql.openai_world import OPENAI
from ai_usage_tests.googlesql.seats_world import SEATS

PARAMETERS = {
    "first_day": Parameter("DATE", date.fromisoformat(WED)),
    "last_day": Parameter("DATE", date.fromisoformat(FRI)),
    "pulls": Parameter("ARRAY<STRING>", ["claude_cost_report", "cursor_usage_events", "sheet_budgets"]),
    "optional_pulls": Parameter("ARRAY<STRING>", ["cursor_usage_events"]),
    "providers": Parameter("ARRAY<STRING>", ["anthropic", "cursor", "openai", "google"]),
    "bill": Parameter("STRING", "claude_cost_report"),
    "pull": Parameter("STRING", "claude_cost_report"),
    "since": Parameter("TIMESTAMP", datetime.fromisoformat("2024-02-01T00:00:00Z")),
    "until": Parameter("TIMESTAMP", datetime.fromisoformat("2024-03-31T00:00:00Z")),
    "estimated_meters": Parameter("ARRAY<STRING>", ["claude_code_estimate", "request_formula"]),
    "users": Parameter("ARRAY<STRING>", ["1", "user_1"]),
    "services": Parameter("ARRAY<STRING>", ["bot-1", "sa_1"]),
    "with_hashes": Parameter("BOOL", value=True),
    "provider": Parameter("STRING", "anthropic"),
    "cycle_start": Parameter("TIMESTAMP", datetime.fromisoformat("2024-02-28T00:00:00Z")),
    "settled_until": Parameter("TIMESTAMP", datetime.fromisoformat("2024-02-29T11:00:00Z")),
    "figure_at": Parameter("TIMESTAMP", datetime.fromisoformat("2024-03-01T12:00:00Z")),
    "as_of": Parameter("TIMESTAMP", datetime.fromisoformat("2024-03-02T06:00:00Z")),  # of a pull, to the instant
}
OF_FILE = {"ledger/history": {"pull": Parameter("STRING", "sheet_budgets")}}  # of a snapshot, not of days
BILLING_GROUP = """{"name": "Data", "type": "BILLING", "currentMembers": [
    {"email": " Ann@Example.com", "joinedAt": "2024-02-03T00:00:00.000Z", "leftAt": null},
    {"email": "eve@example.com", "joinedAt": "2024-02-28T23:30:00.000Z", "leftAt": null}]}"""
REFRESHED = '{"data_refreshed_at": "2024-03-01T20:00:00Z"}'
# Cents. Only amounts finer than nine decimals of a dollar were rounded.
COST_RECORDS = {
    WED: (
        '{"currency": "USD", "amount": "12.3456789", "workspace_id": "wrkspc_team"}',
        '{"currency": "USD", "amount": "850", "workspace_id": "wrkspc_team"}',
        '{"currency": "USD", "amount": "400", "workspace_id": "wrkspc_team"}',
        '{"currency": "USD", "amount": "100.00000010", "workspace_id": null}',
        '{"currency": "USD", "amount": "125", "workspace_id": null}',
        '{"currency": "USD", "amount": "200", "workspace_id": null}',
        '{"currency": "USD", "amount": "5", "workspace_id": "wrkspc_team"}',
    ),
    THU: (
        '{"currency": "USD", "amount": "-50", "workspace_id": "wrkspc_team"}',
        '{"currency": "USD", "amount": "200.00000151", "workspace_id": null}',
        '{"currency": "USD", "amount": "-10", "workspace_id": null}',
        '{"currency": "USD", "amount": "70", "workspace_id": "wrkspc_code"}',
    ),
    FRI: ('{"currency": "USD", "amount": "33.3333333", "workspace_id": null}',),
}
BUDGET_RECORDS = ('["month","scope"]', '["2024-02","total"]', '["2024-02","\u00e9t\u00e9"]')
ORDINARY: Lines = {
    "ai_usage_raw.pulls": [
        pulled("claude_cost_report", WED, "2024-03-29T06:00:00Z", *COST_RECORDS[WED]),
        pulled("claude_cost_report", THU, "2024-03-02T06:00:00Z", *COST_RECORDS[THU]),
        pulled("claude_cost_report", FRI, "2024-03-02T06:00:00Z", *COST_RECORDS[FRI]),
        pulled("cursor_usage_events", FRI, "2024-03-02T06:00:00Z"),
        pulled("sheet_budgets", None, "2024-03-02T06:00:00Z", *BUDGET_RECORDS),
        *lines_of(
            "pull activity_date pull_id records pulled_at",
            ("claude_cost_report", WED, "pull-0", 1, "2024-02-29T06:00:00Z"),
            ("cursor_usage_events", WED, "pull-1", 3, "2024-03-02T06:00:00Z"),
            ("cursor_usage_events", THU, "pull-1", 2, "2024-03-02T06:00:00Z"),
            *(("cursor_daily_usage", day, "pull-1", 3, "2024-03-02T06:00:00Z") for day in (WED, THU, FRI)),
            *(("openai_costs", day, "pull-1", 3, "2024-03-02T06:00:00Z") for day in (WED, THU, FRI)),
            ("cursor_groups", None, "pull-0", 1, "2024-02-01T06:00:00Z"),
            ("cursor_groups", None, "pull-1", 1, "2024-03-02T06:00:00Z"),
        ),
        *lines_of(
            "pull activity_date pull_id records pulled_at envelope",
            ("claude_analytics_cost", WED, "pull-0", 4, "2024-02-29T05:00:00Z", '{"data_refreshed_at": null}'),
            ("claude_analytics_cost", WED, "pull-1", 13, "2024-03-02T05:00:00Z", "{}"),
            ("claude_analytics_cost", THU, "pull-1", 4, "2024-03-02T05:00:00Z", REFRESHED),
        ),
        *(pulled("cursor_usage_events", f"2024-01-{day:02}", "2024-02-05T06:00:00Z") for day in range(1, 32)),
    ],
    "ai_usage_raw.claude_cost_report": [
        line for day, records in COST_RECORDS.items() for line in stored(day, *records)
    ],
    "ai_usage_raw.sheet_budgets": stored(None, *BUDGET_RECORDS),
    "ai_usage_raw.cursor_groups": lines_of("position record", (0, BILLING_GROUP)),
    "ai_usage_analytics.claude_costs": lines_of(
        LINE,
        (WED, TEAM, "Team", OPUS, UNCACHED, "tokens", "standard", "0-200k", "input", "0.123456789", "standard"),
        (WED, TEAM, "Team", OPUS, OUTPUT, "tokens", "standard", "0-200k", "output", "8.5", "standard"),
        (WED, TEAM, "Team", OPUS, OUTPUT, "tokens", "flex", "0-200k", "flex output", "4", "standard"),
        (WED, None, "Default", SONNET, OUTPUT, "tokens", "batch", "0-200k", "batch output", "1.000000001", "standard"),
        (WED, None, "Default", SONNET, CACHED, "tokens", "standard", "200k-1M", "cache read", "1.25", "standard"),
        (WED, None, "Default", SONNET, CACHED, "tokens", "standard", "200k-1M", "cache read (Fast)", "2", "fast"),
        (WED, TEAM, "Team", None, None, "web_search", None, None, "Web Search Usage", "0.05", None),
        (THU, TEAM, "Team", OPUS, OUTPUT, "tokens", "standard", "0-200k", "credit", "-0.5", "standard"),
        (THU, None, "Default", SONNET, UNCACHED, "tokens", "standard", "0-200k", "input", "2.000000015", "standard"),
        (THU, None, "Default", SONNET, CACHED, "tokens", "standard", "0-200k", "refund", "-0.1", "standard"),
        (THU, CODING, "Claude Code", SONNET, OUTPUT, "tokens", "standard", "0-200k", "output", "0.7", "standard"),
        (FRI, None, "Default", None, None, "code_execution", None, None, "Code Execution", "0.333333333", None),
    ),
    # They have all of the team's output, but not all of its uncached input: 3, 3 and 1 sevenths, and two equal
    # remainders for the last nano-dollar. They miss a nano-dollar of the batch, which is rounding. Priority Tier,
    # which the cost report leaves out, costs what such tokens cost elsewhere (output), or ten times that (input).
    "ai_usage_analytics.claude_analytics_costs": lines_of(
        ANALYTICS,
        (WED, "claude_code", TEAM, None, "user_actor", ANN_TOO, OPUS, OUTPUT, "tokens", "5", "5.5"),
        (WED, "messages_api", TEAM, "apikey_bot", "api_actor", None, OPUS, OUTPUT, "tokens", "7.15", "7.2"),
        (WED, "claude_console", TEAM, None, "user_actor", BOB, OPUS, OUTPUT, "tokens", "0.1", "0.1"),
        (WED, None, TEAM, None, None, None, OPUS, OUTPUT, "tokens", "0.25", "0.3"),
        (WED, "messages_api", TEAM, "apikey_ann", "api_actor", None, OPUS, UNCACHED, "tokens", "0.03", "0.04"),
        (WED, "managed_agents_api", TEAM, "apikey_bot", "api_actor", None, OPUS, UNCACHED, "tokens", "0.03", "0.04"),
        (WED, "cowork", TEAM, None, "user_actor", EVE, OPUS, UNCACHED, "tokens", "0.01", "0.01"),
        (WED, None, TEAM, None, None, None, OPUS, UNCACHED, "tokens", "-0.01", "-0.01"),
        (WED, "message_batches_api", MAIN, "apikey_old", "api_actor", None, SONNET, OUTPUT, "tokens", "0.4", "0.8"),
        (WED, "message_batches_api", MAIN, "apikey_bot2", "api_actor", None, SONNET, OUTPUT, "tokens", "0.6", "1.2"),
        (WED, "chat", None, None, "user_actor", ANN, SONNET, OUTPUT, "tokens", "0.75", "0.75"),
        (WED, "claude_code", CODING, "apikey_code", "api_actor", None, OPUS, OUTPUT, "tokens", "1.3", "1.3"),
        (WED, "claude_code", CODING, "apikey_code", "api_actor", None, OPUS, UNCACHED, "tokens", "0.05", "0.05"),
        (THU, "messages_api", TEAM, "apikey_ann", "api_actor", None, OPUS, UNCACHED, "tokens", "0.0125", "0.0125"),
        (THU, "claude_code", None, None, "user_actor", BOB, SONNET, OUTPUT, "tokens", "0.2", "0.25"),
        (THU, "claude_console", None, None, "user_actor", BOB, OPUS, CACHED, "tokens", "0.02", "0.02"),
        (THU, "cowork", None, None, None, None, None, None, "session_usage", "-0.05", "0"),
    ),
    "ai_usage_analytics.spend_versions": lines_of(
        "activity_date provider billed_usd lines known_from known_to pull_id",
        (WED, "anthropic", "13.06", 4, "2024-02-29T06:00:00Z", "2024-03-29T06:00:00Z", "pull-0"),
        (WED, "anthropic", "16.92345679", 7, "2024-03-29T06:00:00Z", None, "pull-1"),
        (THU, "anthropic", "2.100000015", 4, "2024-03-02T06:00:00Z", None, "pull-1"),
        (FRI, "anthropic", "0.333333333", 1, "2024-03-02T06:00:00Z", None, "pull-1"),
        (WED, "cursor", "1.304567891", 3, "2024-03-02T06:00:00Z", None, "pull-1"),
        (THU, "cursor", "0.03", 2, "2024-03-01T06:00:00Z", "2024-03-02T06:00:00Z", "pull-0"),
        (THU, "cursor", "0.03", 2, "2024-03-02T06:00:00Z", None, "pull-1"),
        (FRI, "cursor", "0", 0, "2024-03-02T06:00:00Z", None, "pull-1"),
        ("2024-01-05", "cursor", "10", 1, "2024-01-06T06:00:00Z", "2024-03-05T06:00:00Z", "pull-0"),
        ("2024-01-05", "cursor", "10.5", 1, "2024-03-05T06:00:00Z", None, "pull-1"),
    ),
    "ai_usage_analytics.claude_daily_cost": lines_of(
        "activity_date amount_usd", (WED, "16.92345679"), (THU, "2.100000015"), (FRI, "0.333333333")
    ),
    "ai_usage_analytics.claude_usage_tokens": lines_of(
        TOKENS,
        (WED, "apikey_ann", TEAM, OPUS, "standard", "0-200k", 24_691, 400_000, 0, 0, 3),
        (WED, "apikey_bot", TEAM, OPUS, "standard", "0-200k", 0, 60_000, 0, 0, 4),
        (WED, "apikey_bot", TEAM, OPUS, "flex", "0-200k", 0, 40_000, 0, 0, 0),
        (WED, "apikey_old", None, SONNET, "batch", "0-200k", 0, 133_333, 0, 0, 0),
        (WED, None, None, SONNET, "standard", "200k-1M", 0, 0, 5_416_667, 0, 0),
        (WED, "apikey_code", CODING, OPUS, "priority", "0-200k", 1_000, 50_000, 0, 0, 0),
        (THU, "apikey_old", None, SONNET, "standard", "0-200k", 600_000, 0, 10, 0, 0),
        (THU, None, None, SONNET, "standard", "0-200k", 66_667, 0, 10, 0, 0),
        (THU, "apikey_bot2", None, SONNET, "standard", "0-200k", 0, 0, 10, 0, 0),
        (THU, "apikey_code", CODING, SONNET, "standard", "0-200k", 0, 47_000, 0, 0, 0),
        (THU, "apikey_ann", TEAM, OPUS, "priority_on_demand", "0-200k", 50, 70, 0, 11, 0),
    ),
    "ai_usage_analytics.claude_usage_tokens_by_speed": lines_of(
        "activity_date api_key_id workspace_id model inference_geo speed cache_read_input_tokens",
        (WED, None, None, SONNET, "not_available", "standard", 2_000_000),
        (WED, None, None, SONNET, "not_available", "fast", 3_416_667),
    ),
    "ai_usage_analytics.claude_daily_tokens": lines_of(
        "activity_date uncached_input_tokens output_tokens cache_read_input_tokens cache_creation_5m_tokens",
        (WED, 25_691, 683_333, 5_416_667, 0),
        (THU, 666_717, 47_070, 30, 11),
    ),
    "ai_usage_analytics.claude_code_usage_stats": lines_of(
        CODE,
        (WED, ANN, None, "api", None, 2, 120, OPUS, "5.123456789", 9_000, 80_000, 2, 1),
        (WED, None, "etl", "api", None, 1, 0, None, "0", 0, 0, 0, 0),
        (THU, BOB, None, "subscription", "team", 1, 7, SONNET, "0.25", 100, 2_000, 1, 0),
        (THU, ANN_TOO, None, "api", None, 1, 1, SONNET, "0.05", 100, 100, 0, 1),
        (THU, EVE, None, "api", None, 1, 1, SONNET, "0.9", 100, 100, 0, 0),
        (THU, None, "old", "api", None, 1, 1, SONNET, "0.5", 100, 100, 0, 0),
    ),
    # On Thursday people report more than was used without a key, and the key named old less than it used.
    "ai_usage_analytics.claude_code_model_usage": lines_of(
        CODE_MODEL,
        (WED, ANN, None, "api", OPUS, "5", 8_000, 79_000),
        (WED, ANN, None, "api", SONNET, "0.123456789", 1_000, 1_000),
        (THU, BOB, None, "subscription", SONNET, "0.25", 100, 2_000),
        (THU, ANN_TOO, None, "api", SONNET, "0.05", 100, 100),
        (THU, EVE, None, "api", SONNET, "0.9", 100, 100),
        (THU, None, "old", "api", SONNET, "0.5", 100, 100),
        (THU, None, "bot", "api", SONNET, "0.01", 1, 1),
    ),
    "ai_usage_analytics.claude_usage_stats": lines_of(
        "activity_date user_email user_id conversation_count message_count project_count file_upload_count source",
        (WED, ANN, None, 3, 41, None, 0, "enterprise_api"),
        (WED, None, "user_x", 1, None, None, None, "audit_log"),
        (THU, BOB, None, 0, 0, 0, 0, "enterprise_api"),
        (FRI, BOB, None, None, 12, 1, None, "sheet"),
    ),
    "ai_usage_analytics.dim_workspace": lines_of(
        "workspace_id workspace_name is_default created_at archived_at",
        (TEAM, "Team", False, "2023-01-01T00:00:00Z", None),
        ("wrkspc_gone", "Gone", False, "2023-01-01T00:00:00Z", "2024-02-29T12:00:00Z"),
        (CODING, "Claude Code", False, "2023-01-01T00:00:00Z", None),
        (MAIN, "Default", True, None, None),
    ),
    "ai_usage_analytics.cursor_usage_stats": lines_of(
        STATS,
        (WED, "2024-02-28T00:00:00Z", ANN, "1", True, 3, 2, 10, 4, "0.08"),
        (WED, "2024-02-28T00:00:00Z", BOB, "2", False, 0, 0, 0, 0, None),
        (THU, "2024-02-29T00:00:00Z", ANN, "1", True, 1, 1, 5, 5, "0.04"),
        (THU, "2024-02-29T00:00:00Z", BOB, "2", False, 0, 0, 0, 0, None),
        (THU, "2024-02-29T00:00:00Z", EVE, "3", None, 0, 0, 2, 0, None),
        (FRI, "2024-03-01T00:00:00Z", ANN, "1", False, 0, 0, 0, 0, None),
        (FRI, "2024-03-01T00:00:00Z", BOB, "2", True, 0, 0, 1, 0, None),
        (FRI, "2024-03-01T00:00:00Z", EVE, "3", True, 7, 7, 0, 0, "0.28"),
        (FRI, "2024-03-01T00:00:00Z", None, "4", True, 1, 1, 0, 0, "0.01"),
    ),
    "ai_usage_analytics.cursor_ai_commits": lines_of(
        "activity_date commit_hash user_email user_id commit_source total_lines_added tab_lines_added"
        " composer_lines_added created_at",
        (WED, "c0ffee", ANN, "user_1", "ide", 9, 4, 0, "2024-02-28T10:00:00Z"),
        (WED, "decade", ANN_TOO, "user_9", "cli", 5, 0, 0, "2024-02-28T11:00:00Z"),
        (FRI, "facade", "unknown@example.com", "user_8", "cloud", 7, 0, 7, "2024-03-01T10:00:00Z"),
    ),
    "ai_usage_analytics.cursor_usage_events": lines_of(
        EVENT,
        (
            WED,
            "2024-02-28T00:00:00Z",
            ANN,
            None,
            "gpt-5",
            "Usage-based",
            True,
            True,
            "1.234567891",
            7,
            1_000_000,
            0,
            5,
            "1.5",
        ),
        (
            WED,
            "2024-02-28T23:59:59.999Z",
            ANN,
            None,
            "gpt-5",
            "Included in Business",
            False,
            True,
            "0.4",
            None,
            None,
            None,
            None,
            None,
        ),
        (
            WED,
            "2024-02-28T10:00:00Z",
            "bot@example.com",
            "sa_1",
            "auto",
            "Usage-based",
            True,
            True,
            "0.07",
            3,
            7,
            0,
            0,
            "0.06",
        ),
        (
            THU,
            "2024-02-29T11:00:00.001Z",
            ANN,
            None,
            "gpt-5",
            "Usage-based",
            True,
            False,
            "0.04",
            None,
            None,
            None,
            None,
            None,
        ),
        (
            THU,
            "2024-02-29T09:00:00Z",
            BOB,
            None,
            "auto",
            "User API Key",
            True,
            True,
            "-0.01",
            None,
            None,
            None,
            None,
            None,
        ),
    ),
    "ai_usage_analytics.cursor_spend_daily": lines_of(
        "activity_date cycle_start_at user_id user_email spend_usd overall_spend_usd cycle_spend_usd"
        " cycle_overall_spend_usd from_at to_at days_between",
        (
            THU,
            "2024-02-28T00:00:00Z",
            "user_1",
            ANN,
            "0.04",
            "0.44",
            "1.274567891",
            "1.674567891",
            "2024-02-28T23:00:00Z",
            "2024-02-29T23:00:00Z",
            1,
        ),
    ),
    "ai_usage_analytics.dim_cursor_member": lines_of(
        "user_id user_email user_name role is_removed",
        ("user_1", ANN, "Ann", "member", False),
        ("user_2", BOB, "Bob", "free-owner", False),
        ("user_3", EVE, "Eve", "member", False),
        ("user_4", "gone@example.com", "Gone", "member", True),
    ),
    "ai_usage_analytics.dim_provider": provider_rows(PROVIDERS).to_dicts(),
    "ai_usage_analytics.dim_platform": platform_rows(PROVIDERS).to_dicts(),
    "ai_usage_analytics.dim_account": lines_of(
        "provider account account_name provider_account_id credentials is_configured is_expected first_pulled_at",
        ("anthropic", "default", "Mock", "org-1", "admin", True, True, None),
        ("anthropic", "former", None, None, None, False, False, None),
    ),
    "ai_usage_analytics.dim_cursor_plan": lines_of(
        "plan_name valid_from valid_to seat_price_usd overage_usd_a_request",
        ("business", THU, FRI, "40", "0.04"),
        ("teams", FRI, None, "32.1", None),
    ),
    "ai_usage_analytics.record_rejections": lines_of(  # of a bill that never could be read
        "provider account pull activity_date position field reason value_shape",
        ("anthropic", "default", "claude_cost_report", "2024-02-10", 0, "amount", "is missing", "absent"),
    ),
    "ai_usage_analytics.sheet_rejections": lines_of(
        "tab row_number column_name value_shape reason", ("budgets", 3, "amount_usd", "text", "not a number")
    ),
    "ai_usage_analytics.console_figures": lines_of(
        "row_number provider period_start period_end workspace_id amount_usd source note",
        (2, "google", "2024-02-01", "2024-03-01", None, "18.423456795", "console", None),
        (3, "anthropic", "2024-02-28", "2024-03-01", TEAM, "12.173456789", "invoice", "by hand"),
        (6, "anthropic", "2024-02-28", "2024-03-02", None, "19.36", "console", None),
        (7, "anthropic", "2024-02-28", "2024-03-02", "default", "6.48", "console", None),
        (8, "cursor", "2024-02-03", "2024-03-03", None, "1.33", "dashboard", None),
        (9, "cursor", "2024-03-03", "2024-04-03", None, "7", "dashboard", None),
        (10, "cursor", "2024-01-01", "2024-02-01", None, "10", "invoice", None),
    ),
    "ai_usage_analytics.month_closes": lines_of(
        "month provider act acted_by_email acted_at is_in_force is_unexplained_accepted figure_usd invoice_usd",
        ("2024-02", "cursor", "close", ANN, "2024-03-02 08:00:00+00", True, False, "1.33", None),
        ("2024-02", "google", "reopen", ANN, "2024-03-02 08:00:00+00", True, False, None, None),
    ),
    "ai_usage_analytics.closed_figures": lines_of(
        "month provider account activity_date kind billed_usd is_in_force",
        ("2024-02", "cursor", "default", THU, "usage", "0.25", True),
        ("2024-02", "google", "default", THU, "usage", "0.5", False),
    ),
    "ai_usage_analytics.invoices": lines_of(
        "row_number provider account invoice_id period_start period_end covers amount currency usd_per_unit "
        "amount_usd not_comparable_reason first_seen_at",
        (
            2,
            "google",
            None,
            "G-1",
            "2024-02-01",
            "2024-03-01",
            "usage",
            "17",
            "EUR",
            "1.1",
            "18.7",
            None,
            "2024-03-02 08:00:00+00",
        ),
        (
            3,
            "google",
            None,
            "G-1",
            "2024-02-01",
            "2024-03-01",
            "tax",
            "1",
            "EUR",
            "1.1",
            "1.1",
            None,
            "2024-03-02 08:00:00+00",
        ),
        (
            4,
            "cursor",
            None,
            "C-1",
            "2024-02-03",
            "2024-03-03",
            "usage",
            "1.33",
            "USD",
            "1",
            "1.33",
            None,
            "2024-03-02 08:00:00+00",
        ),
        (
            5,
            "cursor",
            None,
            "C-2",
            "2024-02-01",
            "2024-03-01",
            "seats",
            "40",
            "JPY",
            None,
            None,
            "no rate",
            "2024-03-02 08:00:00+00",
        ),
    ),
    "ai_usage_analytics.budgets": lines_of(
        "row_number month scope scope_name amount_usd",
        (2, "2024-02", "total", None, "1000"),
        (3, "2024-02", "team", "Data", "17.5"),
        (4, "2024-03", "provider", "cursor", "0"),
        (7, "2024-03", "total", None, "1000"),
    ),
    "ai_usage_analytics.seats": lines_of(
        "row_number provider plan seat_price_usd seats valid_from valid_to",
        (2, "cursor", "teams-yearly", "31.99", 3, THU, FRI),
        (3, "anthropic", "team", "25", 2, None, None),
        (4, "anthropic", "enterprise", "59.99", 7, THU, FRI),
        (5, "cursor", "teams-monthly", "40", 1, THU, FRI),
        (6, "cursor", "teams-yearly", "32", 3, FRI, None),
        (7, "openai", "business", "25", 2, THU, None),
    ),
    "ai_usage_analytics.dim_api_key_mapping": lines_of(
        KEY,
        ("anthropic", "default", "apikey_ann", "ann", TEAM, "active", ANN, "Data", ANN, "sheet", None, THU),
        ("anthropic", "default", "apikey_ann", "ann", TEAM, "active", EVE, "Data", ANN, "sheet", THU, None),
        ("anthropic", "default", "apikey_old", "old", None, "inactive", BOB, None, BOB, "key_creator", None, None),
        ("anthropic", "default", "apikey_bot", "bot", TEAM, "active", None, None, None, "none", None, None),
        ("anthropic", "default", "apikey_bot2", "bot", None, "active", None, "Ops", BOB, "sheet", None, None),
        ("anthropic", "default", "apikey_code", "code", CODING, "active", EVE, None, EVE, "key_creator", None, None),
        # Rows of the sheet with a provider that is not the key's.
        ("openai", None, "apikey_ann", "typo", None, None, EVE, None, None, "sheet", None, None),
        ("anthropic", None, "key_ann", "typo", None, None, EVE, None, None, "sheet", None, None),
        ("openai", "default", "key_ann", "ann", "proj_a", "active", ANN, "Data", ANN, "sheet", None, THU),
        ("openai", "default", "key_ann", "ann", "proj_a", "active", EVE, None, ANN, "sheet", THU, None),
        ("openai", "default", "key_bot", "bot", "proj_a", "active", None, None, None, "none", None, None),
        ("openai", "default", "key_bob", "bob", "proj_b", "active", BOB, None, BOB, "key_creator", None, None),
    ),
    "ai_usage_analytics.dim_person": lines_of(
        "user_email person_email user_name team_name is_in_sheet",
        (ANN, ANN, "Ann", "Data", True),
        ("ann.b@example.com", ANN, None, "Data", True),
        (BOB, BOB, "Bob", None, False),
        (EVE, EVE, "Eve", "Design", True),
    ),
    "ai_usage_analytics.dim_person_account": lines_of(
        "person_email provider account account_user_id user_email is_member",
        (ANN, "anthropic", "default", "user_ann", ANN, True),
        (BOB, "anthropic", "default", "user_bob", BOB, True),
        (ANN, "cursor", "default", "1", ANN, True),
        (BOB, "cursor", "default", "2", BOB, True),
        (EVE, "cursor", "default", "3", EVE, True),
        (ANN, "openai", "default", "user-ann", ANN, True),
        (EVE, "openai", "default", "user-eve", EVE, True),
        (EVE, "openai", "default", "user-eve", "eve.z@example.com", False),
    ),
}
ORDINARY |= OPENAI | GOOGLE | GOOGLE_USAGE
for table, lines in SEATS.items():
    ORDINARY[table] = [*ORDINARY.get(table, []), *lines]
ORDINARY["ai_usage_analytics.dim_api_key_mapping"] += GOOGLE_KEYS
SCOPES_OF_ANN = (
    ("provider", "anthropic", "anthropic", "anthropic"),
    ("team", "Data", None, "all"),
    ("api_key", "apikey_ann", "anthropic", "anthropic"),
    ("model", OPUS, "anthropic", "anthropic"),
)
ORDINARY |= {
    "ai_usage_analytics.spend_by_scope": lines_of(
        BY_SCOPE,
        *(
            (str(day), scope, name, str(usage(day) + 1), str(usage(day)), "1", True)
            for day in EARLIER
            for scope, name in (("total", "all"), ("provider", "anthropic"), ("team", "Data"))
        ),
        # Of a month that was closed and then restated.
        ("2024-01-05", "provider", "cursor", "10.5", "10.5", "0", True),
    ),
    "ai_usage_analytics.ai_spend": lines_of(
        BILLED, *((str(day), *OF_ANN, str(usage(day)), "key_sheet", "final") for day in EARLIER)
    ),
    "ai_usage_analytics.usage_series": lines_of(
        "spend_date scope scope_name provider calendar usage_usd",
        *((str(day), *scope, str(usage(day))) for day in EARLIER for scope in SCOPES_OF_ANN),
        *((str(day), "api_key", "apikey_old", "anthropic", "anthropic", "2.5") for day in EARLIER),
        (WED, "api_key", "apikey_old", "anthropic", "anthropic", "90"),  # a spike
    ),
    # Of a team that is gone: enough errors for a range of its own.
    "ai_usage_analytics.forecast_states": lines_of(
        "scope scope_name origin_date month_start spent_usd days_known_count days_left_count seats_left_usd"
        " mean_left_usd median_left_usd ewma_left_usd spread_usd actual_usd",
        *(
            (
                *("team", "Old", f"2023-{month}-{day}", f"2023-{month}-01", "50", day, 30 - day),
                *(3.0, day + 4.0, 7.5, 9.25, 1.5, "75.25"),
            )
            for month in (11, 12)
            for day in range(10, 30)
        ),
    ),
}
ORDINARY["ai_usage_analytics.claude_code_usage_stats"] += lines_of(
    f"{CODE} pull_requests_by_claude_code commits_by_claude_code",
    (WED, BOB, None, "subscription", "team", 1, 4, SONNET, "0", 1, 1, 0, 0, 2, 3),
)
ORDINARY["ai_usage_analytics.claude_code_model_usage"] += lines_of(
    CODE_MODEL, (FRI, BOB, None, "subscription", SONNET, "0.75", 10, 20)
)
ORDINARY["ai_usage_analytics.ai_activity"] = (
    lines_of(  # before the days that are asked about: active for a week, a month
        "activity_date user_email team_name tool provider is_active",
        ("2024-01-10", ANN, "Data", "cursor", "cursor", False),
        ("2024-02-20", BOB, None, "claude.ai", "anthropic", True),
        ("2024-02-22", EVE, "Design", "cursor", "cursor", True),
    )
)
ORDINARY["ai_usage_analytics.check_results"] = lines_of(
    CHECK_RESULT,
    ("core/claude_costs", "no_day_is_missing", WED, "passed", None, "2024-03-02T06:00:00.25Z", "run-1"),
    ("core/claude_costs", "no_day_is_missing", THU, "warned", "It's late", "2024-03-02T06:00:00.5Z", "run-1"),
    ("core/claude_costs", "no_day_is_missing", FRI, "failed", None, "2024-03-02T06:00:01Z", "run-1"),
    ("core/seats", "sheet_can_be_read", None, "warned", "no tab", "2024-03-01T06:00:00Z", "run-0"),
)
