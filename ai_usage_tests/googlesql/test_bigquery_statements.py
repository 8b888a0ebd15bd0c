"""Google's own analyzer accepts the statements that BigQuery's engine writes: MERGE, the lease, functions."""

from datetime import UTC, date, datetime

import pytest

from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.marts.files import Mart, marts
from ai_usage.providers.anthropic.tables import CLAUDE_DAILY_COST
from ai_usage.warehouse.bigquery.lease import RENEW, RETURN, TAKE
from ai_usage.warehouse.bigquery.questions import ALL
from ai_usage.warehouse.bigquery.statements import (
    function,
    has_values,
    inlined,
    is_not_kept,
    merge,
    merge_builds,
    no_rows,
    of_days,
    pinned,
)
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.nameless_views import is_shown, nameless_view
from ai_usage.warehouse.table import Table, Type
from ai_usage_tests.googlesql.engine import GoogleEngine, GoogleRefuses, Parameter
from ai_usage_tests.googlesql.world import PARAMETERS

DAYS = [date(2026, 11, 18), date(2026, 11, 19)]
FILLED = [mart for mart in marts() if not mart.table.view_of]
OF_ENGINE = {
    "holder": Parameter("STRING", None),
    "seen_holder": Parameter("STRING", None),
    "seen_until": Parameter("TIMESTAMP", None),
    "inlined": Parameter("STRING", None),
    "of_provider": Parameter("STRING", None),
    "kept_days": Parameter("ARRAY<STRING>", None),
    "kept_accounts": Parameter("ARRAY<STRING>", None),
}


def accept(google: GoogleEngine, statement: str) -> None:
    google.analyze("empty", statement, PARAMETERS | OF_ENGINE)


@pytest.mark.parametrize("mart", FILLED, ids=lambda mart: mart.table.name)
def test_google_takes_the_merge_that_fills_a_mart(google_with_tables: GoogleEngine, mart: Mart) -> None:
    table, column = mart.table, mart.table.date_column
    select = pinned(table, read(mart.query))
    if column is None:
        return accept(google_with_tables, merge(table, select, deleted="true"))
    kept, of = {DAYS[0]: ["default"]}, {"provider": "anthropic"} if mart.each else None
    old, fresh = (
        " and ".join(
            [
                of_days(f"{row}{column}", DAYS),
                has_values(of, of_row=row, or_none=True)[0],
                is_not_kept(table, kept, of_row=row)[0],
            ]
        )
        for row in ("old.", "fresh.")
    )
    return accept(google_with_tables, merge(table, select, deleted=old, inserted=fresh))


@pytest.mark.parametrize("table", [table for table in TABLES if not table.view_of], ids=lambda table: table.name)
def test_google_takes_the_merge_that_replaces_a_tables_rows(google_with_tables: GoogleEngine, table: Table) -> None:
    accept(google_with_tables, merge(table, no_rows(table), deleted="true"))


@pytest.mark.parametrize("table", [table for table in TABLES if is_shown(table)], ids=lambda table: table.name)
def test_google_takes_the_view_without_names_of_every_table(google_with_tables: GoogleEngine, table: Table) -> None:
    found = google_with_tables.analyze("empty", nameless_view(table), {}).columns
    declared = {name: column.type.googlesql.partition("(")[0] for name, column in table.columns.items()}
    assert found == declared


@pytest.mark.parametrize("table", [ALERT_EVENTS, BUILDS, CLAUDE_DAILY_COST], ids=lambda table: table.name)
def test_google_takes_rows_that_a_statement_has_itself(google_with_tables: GoogleEngine, table: Table) -> None:
    kinds = {Type.STRING: "a'b", Type.INTEGER: 1, Type.BOOLEAN: True, Type.DATE: DAYS[0], Type.NUMERIC: 1}
    row = {name: [kinds.get(column.type, datetime(2026, 1, 1, tzinfo=UTC))] for name, column in table.columns.items()}
    made = inlined(table, table.frame(row))
    assert made
    accept(google_with_tables, merge(table, made[0], deleted="true"))


@pytest.mark.parametrize(
    "statement",
    [TAKE, RENEW, RETURN, ALL, merge_builds(BUILDS, no_rows(BUILDS)), *(function(name) for name in FUNCTIONS)],
    ids=lambda statement: " ".join(statement.split()[:4]),
)
def test_google_takes_what_the_engine_asks_itself(google_with_tables: GoogleEngine, statement: str) -> None:
    accept(google_with_tables, statement)


def test_google_refuses_a_merge_of_other_columns(google_with_tables: GoogleEngine) -> None:
    with pytest.raises(GoogleRefuses, match="amount"):
        accept(google_with_tables, merge(BUILDS, no_rows(BUILDS), deleted="old.amount > 0"))
