"""A company small enough to know by heart: what two engines are asked about. ORDINARY adds up; in HARMED each claim of
`sql/checks` is false somewhere.

A new table gets its lines in ORDINARY, its name and the columns that matter; the others are null or as DEFAULTS say.
Marts have none but of earlier days, where one looks back: their own SELECTs fill them. A new parameter gets its line
in PARAMETERS.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.warehouse.table import Column, Table, Type
from ai_usage_tests.googlesql.engine import Parameter, Row

# The end of a leap year's February: a seat costs a 29th of its month on the 29th and a 31st on the 1st.
WED, THU, FRI = "2024-02-28", "2024-02-29", "2024-03-01"
TEAM = "wrkspc_team"  # null is the default workspace
OPUS, SONNET = "claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929"
UNCACHED, OUTPUT, CACHED = "uncached_input_tokens", "output_tokens", "cache_read_input_tokens"
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"

PARAMETERS = {
    "first_day": Parameter("DATE", date.fromisoformat(WED)),
    "last_day": Parameter("DATE", date.fromisoformat(FRI)),
    "pulls": Parameter("ARRAY<STRING>", ["claude_cost_report", "cursor_usage_events"]),
    "with_hashes": Parameter("BOOL", value=True),
    "provider": Parameter("STRING", "anthropic"),
    "cycle_start": Parameter("TIMESTAMP", datetime.fromisoformat("2024-02-28T00:00:00Z")),
    "settled_until": Parameter("TIMESTAMP", datetime.fromisoformat("2024-02-29T11:00:00Z")),
    "figure_at": Parameter("TIMESTAMP", datetime.fromisoformat("2024-03-01T12:00:00Z")),
}

DEFAULTS: dict[str | Type, Any] = {
    "pull_id": "pull-1",
    "records_pull_id": "pull-1",
    "ingestion_timestamp": "2024-03-02T06:00:00Z",
    "pulled_at": "2024-03-02T06:00:00.123456Z",
    "first_seen_at": "2024-03-02T06:00:00Z",
    "upload_timestamp": "2024-03-02T06:00:00Z",
    "organization_id": "org-1",
    "currency": "USD",
    "source": "claude",
    "pages": 1,
    "content_hash": "hash",
    "request": "{}",
    "envelope": "{}",
    "actor_type": "user_actor",
    "terminal_type": "vscode",
    "inference_geo": "not_available",
    Type.INTEGER: 0,
    Type.BOOLEAN: False,
    Type.NUMERIC: "0",
}

Said = list[dict[str, Any]]
Lines = dict[str, Said]


def said(columns: str, *rows: tuple[Any, ...]) -> Said:
    return [dict(zip(columns.split(), row, strict=True)) for row in rows]


LINE = "activity_date workspace_id workspace_name model token_type cost_type service_tier context_window"
LINE += " description amount_usd"
TOKENS = "activity_date api_key_id workspace_id model service_tier context_window"
TOKENS += " uncached_input_tokens output_tokens cache_read_input_tokens cache_creation_5m_tokens web_search_requests"
STATS = "activity_date date_at user_email user_id is_active agent_requests subscription_included_reqs"
STATS += " total_tabs_shown total_tabs_accepted estimated_cost_usd"
EVENT = "activity_date event_at user_email service_account_id model kind is_chargeable is_token_based charged_usd"
CODE = "activity_date user_email api_key_name customer_type subscription_type num_sessions lines_added model"
CODE += " estimated_cost_usd input_tokens output_tokens"

BILLING_GROUP = """{"name": "Data", "type": "BILLING", "currentMembers": [
    {"email": " Ann@Example.com", "joinedAt": "2024-02-03T00:00:00.000Z", "leftAt": null},
    {"email": "eve@example.com", "joinedAt": "2024-02-28T23:30:00.000Z", "leftAt": null}]}"""

REFRESHED = '{"data_refreshed_at": "2024-03-02T04:00:00Z"}'

ORDINARY: Lines = {
    "ai_usage_raw.pulls": said(
        "pull activity_date pull_id records pulled_at",
        ("claude_cost_report", WED, "pull-0", 1, "2024-02-29T06:00:00Z"),
        ("claude_cost_report", WED, "pull-1", 5, "2024-03-29T06:00:00Z"),
        ("claude_cost_report", THU, "pull-1", 2, "2024-03-02T06:00:00Z"),
        ("claude_cost_report", FRI, "pull-1", 1, "2024-03-02T06:00:00Z"),
        ("cursor_usage_events", WED, "pull-1", 3, "2024-03-02T06:00:00Z"),
        ("cursor_usage_events", THU, "pull-1", 2, "2024-03-02T06:00:00Z"),
        ("cursor_usage_events", FRI, "pull-1", 0, "2024-03-02T06:00:00Z"),
        ("cursor_groups", None, "pull-0", 1, "2024-02-01T06:00:00Z"),
        ("cursor_groups", None, "pull-1", 1, "2024-03-02T06:00:00Z"),
    )
    + said(
        "pull activity_date pull_id records pulled_at envelope",
        ("claude_analytics_cost", WED, "pull-0", 4, "2024-02-29T05:00:00Z", '{"data_refreshed_at": null}'),
        ("claude_analytics_cost", WED, "pull-1", 4, "2024-03-02T05:00:00Z", REFRESHED),
        ("claude_analytics_cost", THU, "pull-1", 3, "2024-03-02T05:00:00Z", "{}"),
    ),
    "ai_usage_raw.claude_cost_report": said(
        "activity_date position record",
        (WED, 0, '{"currency": "USD", "amount": "12.3456789", "workspace_id": "wrkspc_team"}'),
        (WED, 1, '{"currency": "USD", "amount": "100.00000010", "workspace_id": null}'),
        (THU, 0, '{"currency": "USD", "amount": "200.00000051", "workspace_id": null}'),
    ),
    "ai_usage_raw.cursor_groups": said("position record", (0, BILLING_GROUP)),
    "ai_usage_analytics.claude_costs": said(
        LINE,
        (WED, TEAM, "Team", OPUS, UNCACHED, "tokens", "standard", "0-200k", "input", "0.123456789"),
        (WED, TEAM, "Team", OPUS, OUTPUT, "tokens", "standard", "0-200k", "output", "12.5"),
        (WED, None, "Default", SONNET, OUTPUT, "tokens", "batch", "0-200k", "batch output", "1.000000001"),
        (WED, None, "Default", SONNET, CACHED, "tokens", "standard", "200k-1M", "cache read", "3.25"),
        (WED, TEAM, "Team", None, None, "web_search", None, None, "Web Search Usage", "0.05"),
        (THU, TEAM, "Team", OPUS, OUTPUT, "tokens", "standard", "0-200k", "credit", "-0.5"),
        (THU, None, "Default", SONNET, UNCACHED, "tokens", "standard", "0-200k", "input", "2.000000005"),
        (FRI, None, "Default", None, None, "code_execution", None, None, "Code Execution", "0.333333333"),
    ),
    "ai_usage_analytics.claude_analytics_costs": said(
        "activity_date product workspace_id model token_type cost_type amount_usd",
        (WED, "messages_api", TEAM, OPUS, UNCACHED, "tokens", "0.123456789"),
        (WED, "claude_code", TEAM, OPUS, OUTPUT, "tokens", "12.5"),
        (WED, "chat", None, SONNET, OUTPUT, "tokens", "0.75"),
        (WED, "messages_api", "default", None, None, "web_search", "3.300000001"),
        (THU, "messages_api", TEAM, OPUS, OUTPUT, "tokens", "-0.25"),
        (THU, None, "default", SONNET, UNCACHED, "tokens", "2"),
    ),
    "ai_usage_analytics.spend_versions": said(
        "activity_date provider billed_usd lines known_from known_to pull_id",
        (WED, "anthropic", "16.5", 4, "2024-02-29T06:00:00Z", "2024-03-02T05:30:00Z", "pull-0"),
        (WED, "anthropic", "16.92345679", 5, "2024-03-02T05:30:00Z", None, "pull-1"),
        (THU, "anthropic", "1.500000005", 2, "2024-03-02T06:00:00Z", None, "pull-1"),
        (FRI, "anthropic", "0.333333333", 1, "2024-03-02T06:00:00Z", None, "pull-1"),
        (WED, "cursor", "1.304567891", 3, "2024-03-02T06:00:00Z", None, "pull-1"),
        (THU, "cursor", "0.03", 2, "2024-03-01T06:00:00Z", "2024-03-02T06:00:00Z", "pull-0"),
        (THU, "cursor", "0.03", 2, "2024-03-02T06:00:00Z", None, "pull-1"),
        (FRI, "cursor", "0", 0, "2024-03-02T06:00:00Z", None, "pull-1"),
    ),
    "ai_usage_analytics.claude_daily_cost": said(
        "activity_date amount_usd", (WED, "16.92345679"), (THU, "1.500000005"), (FRI, "0.333333333")
    ),
    "ai_usage_analytics.claude_usage_tokens": said(
        TOKENS,
        (WED, "apikey_ann", TEAM, OPUS, "standard", "0-200k", 24_691, 400_000, 0, 0, 3),
        (WED, "apikey_bot", TEAM, OPUS, "standard", "0-200k", 0, 100_000, 0, 0, 2),
        (WED, "apikey_old", None, SONNET, "batch", "0-200k", 0, 133_333, 0, 0, 0),
        (WED, None, None, SONNET, "standard", "200k-1M", 0, 0, 5_416_667, 0, 0),
        (THU, "apikey_old", None, SONNET, "standard", "0-200k", 666_667, 0, 0, 0, 0),
        (THU, "apikey_ann", TEAM, OPUS, "priority_on_demand", "0-200k", 50, 70, 0, 11, 0),
    ),
    "ai_usage_analytics.claude_daily_tokens": said(
        "activity_date uncached_input_tokens output_tokens cache_read_input_tokens cache_creation_5m_tokens",
        (WED, 24_691, 633_333, 5_416_667, 0),
        (THU, 666_717, 70, 0, 11),
    ),
    "ai_usage_analytics.claude_code_usage_stats": said(
        CODE,
        (WED, ANN, None, "api", None, 2, 120, OPUS, "5.123456789", 9_000, 80_000),
        (WED, None, "etl", "api", None, 1, 0, None, "0", 0, 0),
        (THU, BOB, None, "subscription", "team", 1, 7, SONNET, "0.25", 100, 2_000),
    ),
    "ai_usage_analytics.claude_code_model_usage": said(
        "activity_date user_email customer_type model estimated_cost_usd input_tokens output_tokens",
        (WED, ANN, "api", OPUS, "5", 8_000, 79_000),
        (WED, ANN, "api", SONNET, "0.123456789", 1_000, 1_000),
        (THU, BOB, "subscription", SONNET, "0.25", 100, 2_000),
    ),
    "ai_usage_analytics.claude_usage_stats": said(
        "activity_date user_email user_id conversation_count message_count project_count file_upload_count source",
        (WED, ANN, None, 3, 41, None, 0, "enterprise_api"),
        (WED, None, "user_x", 1, None, None, None, "audit_log"),
        (THU, BOB, None, 0, 0, 0, 0, "enterprise_api"),
        (FRI, BOB, None, None, 12, 1, None, "sheet"),
    ),
    "ai_usage_analytics.dim_workspace": said(
        "workspace_id workspace_name is_default created_at archived_at",
        (TEAM, "Team", False, "2023-01-01T00:00:00Z", None),
        ("wrkspc_gone", "Gone", False, "2023-01-01T00:00:00Z", "2024-02-29T12:00:00Z"),
        (None, "Default", True, None, None),
    ),
    "ai_usage_analytics.cursor_usage_stats": said(
        STATS,
        (WED, "2024-02-28T00:00:00Z", ANN, 1, True, 3, 2, 10, 4, "0.08"),
        (WED, "2024-02-28T00:00:00Z", BOB, 2, False, 0, 0, 0, 0, None),
        (THU, "2024-02-29T00:00:00Z", ANN, 1, True, 1, 1, 5, 5, "0.04"),
        (THU, "2024-02-29T00:00:00Z", BOB, 2, False, 0, 0, 0, 0, None),
        (THU, "2024-02-29T00:00:00Z", EVE, 3, None, 0, 0, 2, 0, None),
        (FRI, "2024-03-01T00:00:00Z", ANN, 1, False, 0, 0, 0, 0, None),
        (FRI, "2024-03-01T00:00:00Z", BOB, 2, True, 0, 0, 1, 0, None),
        (FRI, "2024-03-01T00:00:00Z", EVE, 3, True, 7, 7, 0, 0, "0.28"),
    ),
    "ai_usage_analytics.cursor_usage_events": said(
        EVENT,
        (WED, "2024-02-28T00:00:00Z", ANN, None, "gpt-5", "Usage-based", True, True, "1.234567891"),
        (WED, "2024-02-28T23:59:59.999Z", ANN, None, "gpt-5", "Included in Business", False, True, "0.4"),
        (WED, "2024-02-28T10:00:00Z", "bot@example.com", "sa_1", "auto", "Usage-based", True, True, "0.07"),
        (THU, "2024-02-29T11:00:00.001Z", ANN, None, "gpt-5", "Usage-based", True, False, "0.04"),
        (THU, "2024-02-29T09:00:00Z", BOB, None, "auto", "User API Key", True, True, "-0.01"),
    ),
    "ai_usage_analytics.cursor_spend_daily": said(
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
    "ai_usage_analytics.dim_cursor_member": said(
        "user_id user_email user_name role is_removed",
        ("user_1", ANN, "Ann", "member", False),
        ("user_2", BOB, "Bob", "free-owner", False),
        ("user_3", EVE, "Eve", "member", False),
        ("user_4", "gone@example.com", "Gone", "member", True),
    ),
    "ai_usage_analytics.dim_cursor_plan": said(
        "plan_name valid_from valid_to seat_price_usd overage_usd_a_request",
        ("business", "2024-01-01", FRI, "40", "0.04"),
        ("teams", FRI, None, "32.1", None),
    ),
    "ai_usage_analytics.sheet_rejections": said(
        "tab row_number column_name value_shape reason", ("budgets", 3, "amount_usd", "text", "not a number")
    ),
    "ai_usage_analytics.console_figures": said(
        "row_number provider period_start period_end workspace_id amount_usd source note",
        (2, "claude", "2024-02-01", "2024-03-01", None, "18.423456795", "console", None),
        (3, "claude", "2024-02-28", "2024-03-01", TEAM, "12.173456789", "invoice", "by hand"),
        (6, "anthropic", "2024-02-28", "2024-03-02", None, "18.76", "console", None),
        (7, "anthropic", "2024-02-28", "2024-03-02", "default", "6.58", "console", None),
        (8, "cursor", "2024-02-03", "2024-03-03", None, "1.33", "dashboard", None),
        (9, "cursor", "2024-03-03", "2024-04-03", None, "7", "dashboard", None),
    ),
    "ai_usage_analytics.budgets": said(
        "row_number month scope scope_name amount_usd",
        (2, "2024-02", "total", None, "1000"),
        (3, "2024-02", "team", "Data", "17.5"),
        (4, "2024-03", "provider", "cursor", "0"),
    ),
    "ai_usage_analytics.seats": said(
        "row_number provider plan seat_price_usd seats valid_from valid_to",
        (2, "cursor", "teams-yearly", "31.99", 3, THU, FRI),
        (3, "claude", "team", "25", 2, None, None),
    ),
    "ai_usage_analytics.dim_api_key_mapping": said(
        "api_key_id api_key_name workspace_id status user_email team_name mapped_by valid_from valid_to",
        ("apikey_ann", "ann", TEAM, "active", ANN, "Data", "sheet", None, THU),
        ("apikey_ann", "ann", TEAM, "active", EVE, "Data", "sheet", THU, None),
        ("apikey_old", "old", None, "inactive", BOB, None, "key_creator", None, None),
        ("apikey_bot", "bot", TEAM, "active", None, None, "none", None, None),
    ),
    "ai_usage_analytics.dim_person": said(
        "user_email person_email user_name team_name is_claude_member is_cursor_member is_in_sheet",
        (ANN, ANN, "Ann", "Data", True, True, True),
        ("ann.b@example.com", ANN, None, "Data", False, False, True),
        (BOB, BOB, "Bob", None, True, True, False),
        (EVE, EVE, "Eve", "Design", False, True, True),
    ),
}

# Ten weeks before, for what forecasts and compares.
EARLIER = [date.fromisoformat(WED) - timedelta(days=n) for n in range(70, 0, -1)]


def usage(day: date) -> Decimal:
    """What apikey_ann cost on one of those days."""
    return Decimal(day.isoweekday() % 6) + (Decimal("2.000000001") if day.month == 2 else Decimal("0.75"))


BY_SCOPE = "spend_date scope scope_name spent_usd usage_usd seats_usd is_complete"
SPEND = "spend_date provider platform billing_account_id api_key_id user_email team_name model meter charge_type"
SPEND += " billed_usd attribution_method status"
OF_ANN = ("anthropic", "claude_api", "org-1", "apikey_ann", ANN, "Data", OPUS, OUTPUT, "usage")

ORDINARY |= {
    "ai_usage_analytics.spend_by_scope": said(
        BY_SCOPE,
        *(
            (str(day), scope, name, str(usage(day) + 1), str(usage(day)), "1", True)
            for day in EARLIER
            for scope, name in (("total", "all"), ("provider", "anthropic"), ("team", "Data"))
        ),
    ),
    "ai_usage_analytics.ai_spend": said(
        SPEND, *((str(day), *OF_ANN, str(usage(day)), "key_sheet", "final") for day in EARLIER)
    ),
}

# What HARMED has on top, each line for a claim.
HARM: Lines = {
    "ai_usage_analytics.ai_spend": said(SPEND, (WED, *OF_ANN, "480.5", "key_sheet", "final")),
    "ai_usage_analytics.budgets": said(
        "row_number month scope scope_name amount_usd",
        (5, "2024-02", "team", "data", "200"),
        (6, "2024-03", "team", "Data", "30.5"),
    ),
    "ai_usage_raw.pulls": said("pull activity_date pull_id records", ("cursor_usage_events", FRI, "pull-2", 9)),
    "ai_usage_analytics.claude_costs": said(
        LINE,
        (WED, TEAM, "Team", OPUS, OUTPUT, "tokens", "standard", "0-200k", "output", "12.5"),
        (WED, TEAM, "Team", None, None, None, None, None, None, "16.92345679"),
    ),
    "ai_usage_analytics.claude_usage_tokens": said(
        TOKENS,
        (THU, "apikey_bot", None, OPUS, "standard", "200k-1M", 0, 17, 0, 5, 0),
        (FRI, "apikey_bot", None, None, None, None, 8, 9, 0, 0, 0),
    ),
    "ai_usage_analytics.claude_code_usage_stats": said(
        CODE,
        (THU, ANN, None, "api", None, 1, 1, OPUS, "1.585000005", 1, 1),
        (FRI, ANN, None, "api", None, 1, 1, OPUS, "9", 1, 1),
    ),
    "ai_usage_analytics.cursor_usage_stats": said(
        STATS,
        (WED, "2024-02-28T00:00:00Z", "odd@example.com", 5, True, 0, 0, 0, 0, None),
        (THU, "2024-02-29T00:00:00Z", "odd@example.com", 5, False, 2, 0, 1, 2, None),
        (FRI, "2024-03-01T00:00:00Z", "odd@example.com", 5, None, -1, 0, 0, 0, None),
    ),
    "ai_usage_analytics.cursor_usage_events": said(
        EVENT,
        (THU, "2024-03-01T00:00:00Z", EVE, None, "auto", "Usage-based", True, True, "0.5"),
    ),
    "ai_usage_analytics.spend_versions": said(
        "activity_date provider billed_usd known_from known_to pull_id",
        (THU, "anthropic", "1", "2024-03-01T06:00:00Z", "2024-03-01T07:00:00Z", "pull-0"),
    ),
    "ai_usage_analytics.dim_cursor_member": said(
        "user_id user_email user_name role is_removed", ("user_6", "idle@example.com", "Idle", "member", False)
    ),
    "ai_usage_analytics.console_figures": said(
        "row_number provider period_start period_end workspace_id amount_usd",
        (4, "claude", "2024-02-29", "2024-03-05", None, "1"),
        (5, "claude", "2024-02-28", "2024-03-01", TEAM, "1"),
    ),
    "ai_usage_analytics.dim_api_key_mapping": said(
        "api_key_id mapped_by user_email valid_from valid_to",
        ("apikey_old", "sheet", None, None, None),
        ("apikey_ann", "sheet", BOB, "2024-02-20", "2024-03-01"),
    ),
    "ai_usage_analytics.dim_person": said(
        "user_email person_email is_in_sheet team_name", ("typo@example.com", "typo@example.com", True, "Data")
    ),
}

HARM["ai_usage_analytics.cursor_usage_stats"] += said(
    STATS,
    *((str(day), f"{day}T00:00:00Z", "idle@example.com", 6, False, 0, 0, 0, 0, None) for day in EARLIER[-25:]),
    (FRI, "2024-03-01T00:00:00Z", "idle@example.com", 6, None, 0, 0, 0, 0, None),
)

HARMED = {address: [*lines, *HARM.get(address, [])] for address, lines in ORDINARY.items()}
HARMED["ai_usage_analytics.cursor_usage_stats"] = [
    row
    for row in HARMED["ai_usage_analytics.cursor_usage_stats"]
    if (row["activity_date"], row["user_email"]) not in {(THU, ANN), (FRI, EVE)}
]

WORLDS = {"ordinary": ORDINARY, "harmed": HARMED}


READ: dict[Type, Callable[[str], Any]] = {
    Type.NUMERIC: Decimal,
    Type.DATE: date.fromisoformat,
    Type.INSTANT: datetime.fromisoformat,
}


def rows(table: Table, lines: Sequence[dict[str, Any]]) -> list[Row]:
    """A table's lines as whole rows, in its order of columns and of its types."""
    for line in lines:
        if strange := line.keys() - table.columns.keys():
            raise ValueError(f"{table.address} has no {sorted(strange)}")
    return [tuple(_cell(name, column, line) for name, column in table.columns.items()) for line in lines]


def _cell(name: str, column: Column, line: dict[str, Any]) -> Any:
    default = DEFAULTS.get(name, DEFAULTS.get(column.type)) if column.required else None
    value = line.get(name, default)
    read = READ.get(column.type)
    return value if value is None or read is None else read(value)
