"""Every file of sql/ runs on DuckDB, and money keeps its nine decimals there."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlglot

from ai_usage.places import ROOT
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.ledger_check import broken_pulls
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform

FILES = sorted(path.relative_to(ROOT / "sql").with_suffix("").as_posix() for path in (ROOT / "sql").rglob("*.sql"))
AT = datetime(2026, 11, 10, 6, tzinfo=UTC)
PARAMETERS: dict[str, Any] = {
    "first_day": DAY,
    "last_day": NEXT,
    "pulls": ["claude_cost_report"],
    "optional_pulls": ["claude_cost_report"],
    "with_hashes": True,
    "provider": "anthropic",
    "bill": "claude_cost_report",
    "users": ["user_1"],
    "services": ["service_1"],
    "providers": ["anthropic"],
    "estimated_meters": ["request_formula"],
    "pull": "claude_cost_report",
    **dict.fromkeys(("cycle_start", "settled_until", "figure_at", "as_of", "since", "until"), AT),
}


@pytest.fixture(scope="module")
def empty(_nothing_yet: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A platform that these tests only read."""
    return _nothing_yet.copy(tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_one_googlesql_select_that_runs_on_an_empty_warehouse(empty: Platform, name: str) -> None:
    [statement] = sqlglot.parse(googlesql.read(name), read="bigquery")
    assert isinstance(statement, sqlglot.exp.Query)
    if name == "checks/ledger_is_whole":  # its raw tables are those of the given pulls
        columns = broken_pulls(empty.warehouse, ["claude_cost_report"], DAY, NEXT, with_hashes=True).columns
    else:
        columns = empty.warehouse.query(name, **PARAMETERS).columns
    assert columns == statement.named_selects


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("cast('0.000000001' as numeric)", "0.000000001"),
        ("sum(cast('0.000000001' as numeric))", "0.000000001"),
        ("cast('0.123456789' as numeric) + cast(1 as numeric)", "1.123456789"),
        ("cast('12345678901234567890.123456789' as numeric)", "12345678901234567890.123456789"),
        ("cast('0.005' as numeric(10, 2))", "0.01"),
    ],
)
def test_a_bare_numeric_keeps_nine_decimals(empty: Platform, written: str, value: str) -> None:
    [[found]] = empty.warehouse.ask(f"select {written} as x").rows()
    assert found == Decimal(value)


def test_only_the_parameters_that_a_text_names_are_needed(empty: Platform) -> None:
    assert empty.warehouse.ask("select @a as a", a=1, b=2)["a"].to_list() == [1]
    with pytest.raises(KeyError, match="a"):
        empty.warehouse.ask("select @a as a")


def test_every_file_begins_with_a_description_of_its_rows() -> None:
    assert [name for name in FILES if not googlesql.read(name).startswith("-- ")] == []
