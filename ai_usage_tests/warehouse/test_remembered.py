"""An answer is cached until the tables that its query reads may have changed, and no longer."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb import remembered
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.remembered import Kept, Remembered
from ai_usage.warehouse.table import PULLS, Table, day, dollars
from ai_usage_tests.warehouse.writing import DAY, PULL, TABLES, answer

LINES = Table(
    name="lines",
    grain="a line",
    columns={"line_date": day("the day"), "usd": dollars("billed")},
    date_column="line_date",
)
OTHERS = replace(LINES, name="others")
SEEN = replace(LINES, name="seen", view_of="seen")
QUERIES = {"seen": f"select line_date, usd from {LINES.address}", "two": f"select date '{DAY}' as line_date, 2 as usd"}
STATM = Path("/proc/self/statm")
SUM = "select coalesce(sum(usd), 0) as usd from {}"


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DuckDBWarehouse:
    (tmp_path / "ledger").symlink_to(googlesql.SQL / "ledger")
    for name, text in QUERIES.items():
        (tmp_path / f"{name}.sql").write_text(text, encoding="utf-8")
    monkeypatch.setattr(googlesql, "SQL", tmp_path)
    tables = (*TABLES, LINES, OTHERS, SEEN)
    return DuckDBWarehouse(tmp_path / "a.duckdb", tmp_path / "p.duckdb", tables, lambda: datetime.now(UTC))


def lines(usd: int) -> pl.DataFrame:
    return LINES.frame({"line_date": [DAY], "usd": [str(usd)]})


def total(of: DuckDBWarehouse, table: Table = LINES) -> int:
    return int(of.ask(SUM.format(table.address))["usd"][0])


@pytest.mark.parametrize(
    "write_two",
    [
        lambda of: of.replace_days(LINES, [DAY], lines(2)),
        lambda of: of.replace_all(LINES, lines(2)),
        lambda of: of.fill_all(LINES, "two"),
        lambda of: of.fill_days(LINES, "two", [DAY]),
    ],
    ids=["days", "all", "filled", "filled days"],
)
def test_our_own_write_is_in_the_next_answer_and_in_that_of_a_view(
    warehouse: DuckDBWarehouse, write_two: Callable[[DuckDBWarehouse], None]
) -> None:
    with warehouse.connected():
        warehouse.replace_all(LINES, lines(1))
        assert total(warehouse) == total(warehouse, SEEN) == 1
        write_two(warehouse)
        assert total(warehouse) == total(warehouse, SEEN) == 2


def test_a_write_to_another_table_leaves_the_answer(warehouse: DuckDBWarehouse) -> None:
    question = SUM.format(LINES.address)
    with warehouse.connected():
        before = warehouse.ask(question)
        warehouse.replace_days(OTHERS, [DAY], lines(5))
        assert warehouse.ask(question) is before
        assert total(warehouse, OTHERS) == 5


def test_a_pull_leaves_what_is_known_of_other_pulls_alone(warehouse: DuckDBWarehouse) -> None:
    with warehouse.connected():
        of_other = warehouse.newest("claude_cost_totals", None).lines
        warehouse.append(PULL, [answer(DAY, "1")])
        assert warehouse.newest("claude_cost_totals", None).lines is of_other
        assert warehouse.pulled_days(PULL) == [DAY]
        warehouse.append(PULL, [answer(date(2026, 11, 11), "1")])
        assert len(warehouse.pulled_days(PULL)) == 2
        assert int(warehouse.ask(f"select count(*) as n from {PULLS.address}")["n"][0]) == 2


def test_what_another_process_writes_is_in_the_next_answer(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace_days(LINES, [DAY], lines(1))
    assert total(warehouse) == 1
    replace(warehouse).replace_days(LINES, [DAY], lines(2))
    assert total(warehouse) == 2


def test_after_a_write_of_whatever_it_may_be_every_question_is_asked_again(warehouse: DuckDBWarehouse) -> None:
    warehouse.replace_all(LINES, lines(1))
    with warehouse.connected():
        assert total(warehouse) == 1
        with warehouse._transaction() as db:
            db.execute(f"update {LINES.address} set usd = 2")
        assert total(warehouse) == 2


def test_an_answer_that_changes_with_the_time_is_asked_again(warehouse: DuckDBWarehouse) -> None:
    with warehouse.connected():
        for question, is_kept in (("select 1 as one", True), ("select current_timestamp() as now", False)):
            assert (warehouse.ask(question) is warehouse.ask(question)) is is_kept


def test_no_more_than_so_many_rows_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MANY", 3)
    monkeypatch.setattr(remembered, "MOST", 5)
    of = Remembered(tmp_path / "none")
    asked: list[str] = []

    def ask(question: str, rows: int) -> None:
        def found() -> pl.DataFrame:
            asked.append(question)
            return pl.DataFrame({"n": range(rows)})

        of.answer(question, [], found)

    ask("large", 4)
    ask("large", 4)
    ask("a", 3)
    ask("b", 2)
    ask("a", 3)
    assert asked == ["large", "large", "a", "b"]
    ask("c", 1)  # with it there would be six answers
    ask("a", 3)
    assert asked == ["large", "large", "a", "b", "c", "a"]


def test_rows_of_an_answer_that_is_forgotten_or_replaced_do_not_count() -> None:
    kept = Kept()
    for question, reads, rows in (("a", "t", 3), ("a", "t", 2), ("b", "u", 1)):
        kept.keep(question, [reads], pl.DataFrame({"n": range(rows)}))
    assert kept.rows == 3
    kept.forget({"t"})
    assert (list(kept), kept.rows) == (["b"], 1)
    kept.forget_all()
    assert (list(kept), kept.rows) == ([], 0)


@pytest.mark.skipif(not STATM.exists(), reason="only Linux says how much memory a process has reserved")
def test_what_is_kept_of_small_answers_reserves_little_memory(warehouse: DuckDBWarehouse) -> None:
    """A process with much reserved memory may start no other one: Linux refuses to copy its map."""
    warehouse.ask("select 7 as seven")  # opens the file
    before = reserved()
    kept = [warehouse.ask(f"select {n} as n, cast({n} as numeric) as usd, 'a' as name") for n in range(50)]
    assert [one["n"][0] for one in kept] == list(range(50))
    assert reserved() - before < 300_000_000


def reserved() -> int:
    """The bytes of addresses that this process has."""
    return int(STATM.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
