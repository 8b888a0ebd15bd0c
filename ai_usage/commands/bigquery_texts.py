"""Every statement for a warehouse in BigQuery, with representative parameters: `make bigquery-check` dry-runs them.
Statements that a module composes for a single call are not here; tests pass those to Google's analyzer.
"""

import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

import ai_usage
from ai_usage.automation import build_requests
from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.core.grain import repeated_keys
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.metabase.wanted import wanted
from ai_usage.marts.files import Mart, marts
from ai_usage.partitions import Span
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings
from ai_usage.warehouse.bigquery import statements as engine
from ai_usage.warehouse.bigquery.lease import RENEW, RETURN
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.googlesql import SQL, read
from ai_usage.warehouse.ledger_check import EVERY_TABLE, ledger_query
from ai_usage.warehouse.nameless_views import is_shown, nameless_view
from ai_usage.warehouse.table import DEFAULT_ACCOUNT, Table

DAYS = 31  # of the span that is asked about
TAG = re.compile(r"\{\{(\w+)\}\}")
QUESTION = re.compile(r"\s*(select|with)\b")
# Packages without statements for BigQuery.
NOT_ASKED = ("ai_usage.warehouse.duckdb", "ai_usage.simulator", "ai_usage.commands")
NO_STATEMENTS = {"contracts", "ledger"}  # declarations; queries of the ledger's index, which is in memory
WHOLE = {build_requests.NEWS: build_requests.NEWS.replace("SETTLED", build_requests.SETTLED)}


@dataclass(frozen=True)
class Statement:
    """One text, its kind and its parameters."""

    kind: str
    name: str
    text: str
    parameters: Mapping[str, Any]


def every_statement(of: Settings) -> list[Statement]:
    """In the order of the data flow."""
    span = Span(of.yesterday() - timedelta(days=DAYS - 1), of.yesterday())
    values = parameters(of, span)
    texts = [
        *_merges(span),
        *_fills(span),
        *(("view", table.name, engine.pinned(table, read(table.view_of))) for table in TABLES if table.view_of),
        *(("view without names", table.name, nameless_view(table)) for table in TABLES if is_shown(table)),
        *_files(),
        *_cards(),
        *_questions(),
        *(("lease", text.split()[0], text) for text in (RENEW, RETURN)),
        *(("function", name, engine.function(name)) for name in FUNCTIONS),
        *(("function", f"call of {name}", _call(name)) for name in FUNCTIONS),
    ]
    return [Statement(kind, name, text, _own(text, values)) for kind, name, text in texts]


def _own(text: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in sorted(engine.parameters_of(text))}


def parameters(of: Settings, span: Span) -> dict[str, Any]:
    """A value for every parameter: a `KeyError` elsewhere means that one is missing here."""
    provider = PROVIDERS[0]
    pulls = sorted(pull for each in PROVIDERS for pull in each.daily_pulls)
    return {
        **dict.fromkeys(("first_day", "period_from", "since"), span.first),
        **dict.fromkeys(("last_day", "period_to"), span.last),
        **dict.fromkeys(("as_of", "at", "by", "figure_at", "settled_until"), of.now()),
        "cycle_start": of.now() - timedelta(days=DAYS),
        **dict.fromkeys(("now", "ids_by", "pull_id"), f"{int(of.now().timestamp() * 1e9):020d}"),
        **dict.fromkeys(("provider", "of_provider"), provider.key),
        **dict.fromkeys(("pull", "bill"), provider.bill.pull),
        "providers": [each.key for each in PROVIDERS],
        "estimated_meters": sorted(meter for each in PROVIDERS for meter in each.estimated_meters),
        **dict.fromkeys(("pulls", "optional_pulls"), pulls),
        "account": DEFAULT_ACCOUNT,
        "asset": "marts/ai_spend",
        "topic": "spend",
        "month": f"{span.last:%Y-%m}",
        "users": ["1"],
        "services": ["1"],
        "with_hashes": True,
        **dict.fromkeys(("team", "person", "cost_center"), "none"),
        "holder": "bigquery-check",
        "kept_days": [str(span.last)],
        "kept_accounts": [f"{span.last} {DEFAULT_ACCOUNT}"],
    }


Text = tuple[str, str, str]


def _merges(span: Span) -> Iterator[Text]:
    """The statements that replace a table's rows."""
    for table in TABLES:
        if not table.view_of:
            deleted = engine.of_days(f"old.{table.date_column}", [span.last]) if table.date_column else "true"
            yield "merge", table.name, engine.merge(table, engine.no_rows(table), deleted=deleted)
    yield "merge", f"{BUILDS.name} by day", engine.merge_builds(BUILDS, engine.no_rows(BUILDS))


def _fills(span: Span) -> Iterator[Text]:
    for mart in marts():
        if not mart.table.view_of:
            for provider in mart.each or (None,):
                key = provider.key if provider else ""
                yield "mart", f"{mart.table.name} {key}".strip(), _fill(mart, span, key)


def _fill(mart: Mart, span: Span, provider: str) -> str:
    """The statement that fills a mart: for days, those of `span` except the last day of one account."""
    table: Table = mart.table
    select = engine.pinned(table, read(mart.query, provider or None))
    if table.date_column is None:
        return engine.merge(table, select, deleted="true")
    of = {"provider": provider} if provider else None
    days = [month.first for month in span.months()] if mart.is_monthly else list(span.days)
    of_old = engine.has_values(of, of_row="old.", or_none=True)[0], engine.has_values(of, of_row="fresh.")[0]
    kept = {span.last: [DEFAULT_ACCOUNT]}
    deleted, inserted = (
        f"{engine.of_days(f'{row}{table.date_column}', days)} and {where} and "
        f"{engine.is_not_kept(table, kept, of_row=row)[0]}"
        for row, where in zip(("old.", "fresh."), of_old, strict=True)
    )
    return engine.merge(table, select, deleted=deleted, inserted=inserted)


def _files() -> Iterator[Text]:
    """The queries of checks, boards and summaries."""
    of_marts = {mart.query for mart in marts()}
    for path in sorted(SQL.rglob("*.sql")):
        name = path.relative_to(SQL).with_suffix("").as_posix()
        folder = name.split("/")[0]
        if name not in of_marts and folder not in NO_STATEMENTS and name not in FUNCTIONS:
            text = read(name)
            pulls = [pull for provider in PROVIDERS for pull in provider.daily_pulls]
            kind = {"dashboards": "board", "summary": "summary"}.get(folder, "check" if "checks" in name else "query")
            yield kind, name, ledger_query(pulls) if EVERY_TABLE in text else text


def _cards() -> Iterator[Text]:
    """The cards as other tools query them, with every filter set."""
    for card in wanted(boards(), engine="googlesql", is_simulated=False).cards:
        yield "card", card.key, TAG.sub(r"@\1", card.sql.replace("[[", "").replace("]]", ""))


def _questions() -> Iterator[Text]:
    """The queries that modules have as constants."""
    for found in pkgutil.walk_packages(ai_usage.__path__, "ai_usage."):
        if not found.name.startswith(NOT_ASKED):
            for name, value in vars(import_module(found.name)).items():
                text = WHOLE.get(value, value) if isinstance(value, str) else ""
                if QUESTION.match(text) and "ai_usage_" in text and "{" not in text:
                    yield "question", f"{found.name}.{name}", text
    yield "question", "ai_usage.core.grain", repeated_keys([table for table in TABLES if table.key])


def _call(function: str) -> str:
    name = function.rpartition("/")[2]
    arguments = ", ".join(f"@{name}" for name in sorted(engine.parameters_of(read(function))))
    return f"select * from ai_usage_analytics.{name}({arguments})"
