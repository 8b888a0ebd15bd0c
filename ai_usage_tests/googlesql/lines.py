"""The format of rows in tests: the columns once, then one tuple per row. A missing value is null or a default."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.providers.anthropic.tables import CLAUDE_CODE_MODEL_USAGE, CLAUDE_CODE_USAGE_STATS
from ai_usage.providers.cursor.tables import CURSOR_AI_COMMITS, CURSOR_USAGE_STATS
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import Column, Table, Type
from ai_usage_tests.googlesql.engine import Row

# The end of a leap year's February: a seat costs a 29th of its month on the 29th and a 31st on the 1st.
WED, THU, FRI = "2024-02-28", "2024-02-29", "2024-03-01"
TEAM, CODING = "wrkspc_team", "wrkspc_code"
MAIN = "wrkspc_main"  # the default workspace: null in the legacy reports
OPUS, SONNET = "claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929"
UNCACHED, OUTPUT, CACHED = "uncached_input_tokens", "output_tokens", "cache_read_input_tokens"
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
ANN_TOO = "ann.b@example.com"
DEFAULTS: dict[str | Type, Any] = {
    "account": "default",
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
    Type.FLOAT: 0.0,
}
TableLines = list[dict[str, Any]]
Lines = dict[str, TableLines]


def lines_of(columns: str, *rows: tuple[Any, ...]) -> TableLines:
    return [dict(zip(columns.split(), row, strict=True)) for row in rows]


def pulled(pull: str, day: str | None, at: str, *records: str) -> dict[str, Any]:
    """A pull's row in the ledger, with the hash that the ledger has for these records."""
    is_ordered = pull.startswith("sheet_")
    answer = Answer(pull, None, [record.encode() for record in records], 1, {}, is_ordered=is_ordered)
    line = {"pull": pull, "activity_date": day, "records": len(records), "pulled_at": at}
    return line | {"content_hash": answer.content_hash}


def stored(day: str | None, *records: str) -> TableLines:
    return [{"activity_date": day, "position": at, "record": record} for at, record in enumerate(records)]


LINE = "activity_date workspace_id workspace_name model token_type cost_type service_tier context_window"
LINE += " description amount_usd speed"
TOKENS = "activity_date api_key_id workspace_id model service_tier context_window"
TOKENS += " uncached_input_tokens output_tokens cache_read_input_tokens cache_creation_5m_tokens web_search_requests"
STATS = "activity_date date_at user_email cursor_user_id is_active agent_requests subscription_included_reqs"
STATS += " total_tabs_shown total_tabs_accepted estimated_cost_usd"
EVENT = "activity_date event_at user_email service_account_id model kind is_chargeable is_token_based charged_usd"
EVENT += " input_tokens output_tokens cache_write_tokens cache_read_tokens list_usd"
CODE = "activity_date user_email api_key_name customer_type subscription_type num_sessions lines_added model"
CODE += " estimated_cost_usd input_tokens output_tokens edit_tool_accepted edit_tool_rejected"
CODE_MODEL = "activity_date user_email api_key_name customer_type model estimated_cost_usd input_tokens output_tokens"
ANALYTICS = "activity_date product workspace_id api_key_id actor_type user_email model token_type cost_type"
ANALYTICS += " amount_usd list_usd"
KEY = "provider account api_key_id api_key_name workspace_id status user_email team_name creator_email mapped_by"
KEY += " valid_from valid_to"
SHARE = "expense_date workspace_id model cost_type token_type service_tier allocation_method cost_usd"
EXPENSE = "expense_date platform platform_method is_in_cost_report workspace_id cost_type cost_usd"
SPEND = "spend_date provider platform billing_account_id api_key_id user_email meter charge_type billed_usd"
SPEND += " estimated_usd attribution_method status"
# Ten weeks before, for forecasts and comparisons.
EARLIER = [date.fromisoformat(WED) - timedelta(days=n) for n in range(70, 0, -1)]


def usage(day: date) -> Decimal:
    """The cost of apikey_ann on one of those days."""
    return Decimal(day.isoweekday() % 6) + (Decimal("2.000000001") if day.month == 2 else Decimal("0.75"))


BY_SCOPE = "spend_date scope scope_name spent_usd usage_usd seats_usd is_complete"
BILLED = "spend_date provider platform billing_account_id api_key_id user_email team_name model meter charge_type"
BILLED += " billed_usd attribution_method status"
OF_ANN = ("anthropic", "claude_api", "org-1", "apikey_ann", ANN, "Data", OPUS, OUTPUT, "usage")
CHECK_RESULT = "asset check_name checked_date result reason evaluated_at run_id"
COUNTED = {  # may be unknown; 0 if a line leaves it out
    name
    for table in (CLAUDE_CODE_USAGE_STATS, CLAUDE_CODE_MODEL_USAGE, CURSOR_USAGE_STATS, CURSOR_AI_COMMITS)
    for name, column in table.columns.items()
    if column.type is Type.INTEGER and not name.startswith("non_ai_")
}
READ: dict[Type, Callable[[str], Any]] = {
    Type.NUMERIC: Decimal,
    Type.DATE: date.fromisoformat,
    Type.INSTANT: datetime.fromisoformat,
}


def rows(table: Table, lines: Sequence[dict[str, Any]]) -> list[Row]:
    """A table's lines as complete rows, in its order of columns and with its types."""
    for line in lines:
        if strange := line.keys() - table.columns.keys():
            raise ValueError(f"{table.address} has no {sorted(strange)}")
    return [tuple(_cell(name, column, line) for name, column in table.columns.items()) for line in lines]


def _cell(name: str, column: Column, line: dict[str, Any]) -> Any:
    is_filled = column.required or name in {*COUNTED, "organization_id"}
    default = DEFAULTS.get(name, DEFAULTS.get(column.type)) if is_filled else None
    value = line.get(name, default)
    read = READ.get(column.type)
    return value if value is None or read is None else read(value)
