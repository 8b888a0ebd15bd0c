"""Every GoogleSQL text that the platform gives to an engine: the files of sql/, the queries of Python modules, and the
queries of dashboard cards. A text that a module composes is composed here too, with example values.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import ai_usage
from ai_usage.automation.build_requests import NEWS, SETTLED
from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.checks.spending import CAN_FORECAST
from ai_usage.core.grain import repeated_keys
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.metabase.wanted import wanted
from ai_usage.marts.files import marts
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.bigquery.statements import function, merge_builds, no_rows, parameters_of
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.googlesql.engine import Parameter
from ai_usage_tests.googlesql.two_engines import FILES, read
from ai_usage_tests.googlesql.world import PARAMETERS

DAILY = next(mart for mart in marts() if mart.table.name == "ai_spend")
TAG = re.compile(r"\{\{(\w+)\}\}")
CODE = Path(ai_usage.__file__).parent
NOT_SQL = ("report.", "REPORTS[", "self.export.")  # other calls of a method `ask`
# The parts from which the modules compose their queries, by the names in the code.
EXAMPLES: dict[str, dict[str, Any]] = {
    "ai_usage.automation.build_requests": {"news": NEWS.replace("SETTLED", SETTLED)},
    "ai_usage.check": {"mart": "ai_spend", "sql": "checks/no_day_is_missing", "only": PROVIDERS[0].key},
    "ai_usage.checks.alert_events": {"table": ALERT_EVENTS, "where": "topic = @topic and asset = @asset"},
    "ai_usage.checks.bills": {"count": CAN_FORECAST},
    "ai_usage.checks.people": {"table": ALERT_EVENTS},
    "ai_usage.core.grain": {"query": repeated_keys([table for table in TABLES if table.key])},
    "ai_usage.marts.gate": {"query": "checks/no_day_is_missing", "gate": PROVIDERS[1].gate},
    "ai_usage.marts.build_days": {"mart": DAILY, "table": DAILY.table, "money": "billed_usd"},
    "ai_usage.providers.cursor.checks.seats": {"table": "cursor_usage_stats"},
    "ai_usage.warehouse.bigquery.engine": {
        "googlesql": "select 7 as seven",
        "name": "dashboards/board_freshness",
        "pull": "claude_cost_report",
        "statement": merge_builds(BUILDS, no_rows(BUILDS)),
        "within": "activity_date is null",
    },
    "ai_usage.warehouse.bigquery.past_ledger": {"table": PULLS, "committed": "true"},
    "ai_usage.warehouse.bigquery.questions": {"googlesql": "select 7 as seven"},
    "ai_usage.warehouse.bigquery.tables": {"text": function(FUNCTIONS[0])},
    "ai_usage.warehouse.duckdb.engine": {"name": "dashboards/board_freshness"},
    "ai_usage.warehouse.ledger_check": {"pulls": PARAMETERS["pulls"].value},
}
OTHER_PARAMETERS = {
    **dict.fromkeys(
        ("account", "asset", "ids_by", "month", "now", "provider", "pull", "pull_id", "subject", "topic"), "STRING"
    ),
    **dict.fromkeys(("cost_center", "person", "provider", "team"), "STRING"),
    **dict.fromkeys(("period_from", "period_to", "since"), "DATE"),
    **dict.fromkeys(("at", "by", "seen_until"), "TIMESTAMP"),
    **dict.fromkeys(("holder", "seen_holder"), "STRING"),
    "pull_ids": "ARRAY<STRING>",
}


@dataclass(frozen=True)
class Asked:
    """A call that queries the warehouse, and its text; None if the text has parts that are not listed here."""

    module: str
    line: int
    text: str | None

    def __str__(self) -> str:
        return f"{self.module}:{self.line}"


@cache
def asked_in_python() -> tuple[Asked, ...]:
    files = [path for path in sorted(CODE.rglob("*.py")) if path.stem != "__main__"]
    return tuple(asked for path in files for asked in _asked_in(path))


def _asked_in(path: Path) -> Iterator[Asked]:
    module = ".".join(path.relative_to(CODE.parent).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _is_question(ast.unparse(node.func)):
            yield Asked(module, node.lineno, _text(module, node.args[0]))


def _is_question(called: str) -> bool:
    return called.endswith((".ask", "jobs.query")) and not called.startswith(NOT_SQL)


def _text(module: str, argument: ast.expr) -> str | None:
    names = vars(import_module(module))
    code = compile(ast.Expression(argument), module, "eval")
    try:
        return str(eval(code, {**names, **EXAMPLES.get(module, {})}))  # noqa: S307 - our own code
    except NameError:
        return None


@cache
def card_texts() -> dict[str, str]:
    """The cards as other tools query them, with every filter applied: a tag `{{name}}` is a parameter."""
    cards = wanted(boards(), engine="googlesql", is_simulated=True).cards
    return {f"card {card.key}": TAG.sub(r"@\1", card.sql.replace("[[", "").replace("]]", "")) for card in cards}


@cache
def every_text() -> dict[str, str]:
    """Place of a text → the text."""
    files = {f"sql/{name}.sql": read(name) for name in FILES}
    return files | {str(asked): asked.text for asked in asked_in_python() if asked.text} | card_texts()


def view_texts() -> dict[str, str]:
    """A view's address → its SELECT."""
    return {table.address: read(table.view_of) for table in TABLES if table.view_of}


def typed_parameters(text: str) -> dict[str, Parameter]:
    """The parameters that a text names, with their types. `KeyError` if one is in neither list."""
    types = {name: parameter.type for name, parameter in PARAMETERS.items()} | OTHER_PARAMETERS
    return {name: Parameter(types[name], None) for name in parameters_of(text)}
