"""The contract of `ai_usage.warehouse.port`, on every engine."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ai_usage.errors import WarehouseError
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.providers.anthropic.tables import RAW_TABLES
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.builds import BUILDS, Build
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.erasures import ERASURES
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS, Table, account, day, dollars, integer, string
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.warehouse.writing import PULL, answer

DAY = date(2026, 11, 10)
NEXT = DAY + ONE_DAY
BOTH = Span(DAY, NEXT)
LINES = Table(
    name="lines",
    grain="one line",
    columns={
        "activity_date": day("the day"),
        "account": account(),
        "provider": string("who charged it"),
        "amount_usd": dollars("billed"),
        "note": string("a note"),
    },
    cluster=("account",),
)
SUMS = Table(
    name="sums",
    grain="one account's day",
    columns={"activity_date": day("the day"), "account": string(""), "provider": string(""), "amount_usd": dollars("")},
)
TOTALS = Table(
    name="totals", grain="one account", columns={"account": string(""), "line_count": integer("")}, date_column=None
)
BIG = Table(
    name="big_lines", grain="one line", columns=LINES.columns, date_column="activity_date", view_of="contract/big_lines"
)
TABLES = (PULLS, RAW_TABLES[PULL], LINES, SUMS, TOTALS, BIG, BUILDS, ERASURES)
QUERIES = {
    "sums": """
-- What each account's day comes to; an apostrophe's place is here.
select activity_date, account, provider, sum(amount_usd) as amount_usd
from ai_usage_analytics.lines
where activity_date between @first_day and @last_day
group by activity_date, account, provider
""",
    "totals": "select account, count(*) as line_count from ai_usage_analytics.lines group by account",
    "big_lines": "select * from ai_usage_analytics.lines where amount_usd >= 100 -- not the vendor's own",
    "since": "select amount_usd from ai_usage_analytics.lines where activity_date >= cast(@since as date)",
}


@pytest.fixture(scope="module", autouse=True)
def queries(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sql")
    (folder / "contract").mkdir()
    (folder / "ledger").symlink_to(googlesql.SQL / "ledger")
    for name, text in QUERIES.items():
        (folder / "contract" / f"{name}.sql").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(googlesql, "SQL", folder)
        yield


class Clock:
    """A clock that advances one second each time it is read."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


Open = Callable[[], Warehouse]


@pytest.fixture(params=["duckdb", "bigquery"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same warehouse again, as another run does."""
    clock = Clock()
    if request.param == "duckdb":
        path = tmp_path / "w.duckdb"
        return lambda: DuckDBWarehouse(path, tmp_path / "p.duckdb", TABLES, clock, functions=("contract/since",))
    running: Emulator = request.getfixturevalue("running")
    project = f"p-{abs(hash(str(tmp_path))):x}"
    return lambda: running.warehouse(TABLES, project=project, clock=clock, functions=("contract/since",))


@pytest.fixture
def warehouse(reopen: Open) -> Warehouse:
    return reopen()


def lines(*rows: tuple[date, str, str | None, str, str | None]) -> pl.DataFrame:
    return LINES.frame({name: [row[n] for row in rows] for n, name in enumerate(LINES.columns)})


def rows(warehouse: Warehouse, table: Table) -> list[tuple[Any, ...]]:
    names = ", ".join(table.columns)
    return warehouse.ask(f"select {names} from {table.address} order by {names}").rows()


def cents(warehouse: Warehouse, span: Span | None, **more: Any) -> list[int]:
    return [int(line.amount) for line in warehouse.newest(PULL, span, **more).decode(CostLine)]


def test_a_pull_becomes_versions_and_its_records_stay_as_they_came(warehouse: Warehouse) -> None:
    first = warehouse.append(PULL, [answer(DAY, "1", "2"), answer(NEXT), answer(None, "9")])
    assert [(v.day, v.records, v.is_new, v.is_newest) for v in first] == [
        (DAY, 2, True, True),
        (NEXT, 0, True, True),
        (None, 1, True, True),
    ]
    newest = warehouse.newest(PULL, BOTH)
    assert newest.lines["record"].to_list() == [
        f'{{"currency": "USD", "amount": "{c}", "workspace_id": null, "novel": [1, {{}}]}}' for c in "12"
    ]
    assert newest.versions.select("activity_date", "records", "account").rows() == [
        (DAY, 2, "default"),
        (NEXT, 0, "default"),
    ]
    assert newest.lines["pull_id"].unique().to_list() == [first[0].pull_id]
    assert warehouse.pulled_days(PULL) == [DAY, NEXT]
    assert cents(warehouse, None) == [9]


def test_equal_content_is_one_version_and_another_run_knows_it(reopen: Open) -> None:
    warehouse = reopen()
    [first] = warehouse.append(PULL, [answer(DAY, "1", "2")])
    warehouse.publish()
    other = reopen()
    [again] = other.append(PULL, [answer(DAY, "2", "1")])
    [changed] = other.append(PULL, [answer(DAY, "7")])
    other.publish()
    assert (again.is_new, changed.is_new) == (False, True)
    assert cents(warehouse, BOTH) == [7]
    assert cents(warehouse, BOTH, as_of=first.pulled_at) == [1, 2]
    assert warehouse.newest(PULL, BOTH, as_of=first.pulled_at - ONE_DAY).versions.is_empty()
    found = warehouse.versions(PULL, BOTH)
    assert found.versions["pull_id"].to_list() == [first.pull_id, changed.pull_id]
    assert [line.amount for line in found.decode(CostLine)] == [1, 2, 7]


def test_every_pull_of_a_snapshot_is_in_its_history(warehouse: Warehouse) -> None:
    pulls = [warehouse.append(PULL, [answer(None, c)])[0] for c in ("1", "1", "2")]
    found = warehouse.history(PULL)
    assert found.versions.select("pull_id", "pulled_at", "asked_at").rows() == [
        (v.pull_id, v.pulled_at, v.pulled_at) for v in pulls
    ]
    assert [line.amount for line in found.decode(CostLine)] == [1, 1, 2]
    late = warehouse.history(PULL, since=pulls[1].pulled_at, until=pulls[1].pulled_at)
    assert late.lines["pull_id"].to_list() == [pulls[1].pull_id]


def test_an_answer_that_comes_late_is_an_older_version(warehouse: Warehouse) -> None:
    asked = datetime(2026, 11, 19, tzinfo=UTC)
    warehouse.append(PULL, [answer(DAY, "2", asked_at=asked + timedelta(hours=1))])
    [late] = warehouse.append(PULL, [answer(DAY, "1", asked_at=asked)])
    assert (late.is_newest, cents(warehouse, BOTH)) == (False, [2])
    assert cents(warehouse, BOTH, as_of=asked) == [1]


def test_days_are_of_each_account(warehouse: Warehouse) -> None:
    warehouse.append(PULL, [answer(DAY, "1", account="a"), answer(NEXT, "2", account="b")])
    assert warehouse.pulled_days(PULL, account="b") == [NEXT]
    assert warehouse.newest(PULL, BOTH).accounts == ["a", "b"]


def test_real_and_simulated_data_never_mix(warehouse: Warehouse) -> None:
    warehouse.append(PULL, [answer(DAY, "1", is_simulated=True)])
    with pytest.raises(WarehouseError, match="real data would join"):
        warehouse.append(PULL, [answer(NEXT, "1")])
    assert warehouse.pulled_days(PULL) == [DAY]


def test_days_are_replaced_whole_or_of_one_account_and_others_stay(warehouse: Warehouse) -> None:
    text = 'it\'s \\ "quoted"\n– ü 😀'
    ours = (DAY, "a", "anthropic", "0.000000001", text)
    warehouse.replace_days(LINES, [DAY, NEXT], lines(ours, (DAY, "b", None, "2", None), (NEXT, "a", None, "3", None)))
    warehouse.replace_days(LINES, [DAY], lines((DAY, "b", None, "-5.5", None)), of={"account": "b"})
    assert rows(warehouse, LINES) == [
        (DAY, "a", "anthropic", Decimal("0.000000001"), text),
        (DAY, "b", None, Decimal("-5.5"), None),
        (NEXT, "a", None, Decimal(3), None),
    ]
    warehouse.replace_days(LINES, [DAY], lines())
    assert [row[0] for row in rows(warehouse, LINES)] == [NEXT]
    with pytest.raises(ValueError, match="rows of"):
        warehouse.replace_days(LINES, [DAY], lines((NEXT, "a", None, "3", None)))


def test_a_whole_table_is_replaced_or_the_rows_of_one_account(warehouse: Warehouse) -> None:
    def totals(*of: tuple[str, int]) -> pl.DataFrame:
        return TOTALS.frame({"account": [name for name, _ in of], "line_count": [n for _, n in of]})

    warehouse.replace_all(TOTALS, totals(("a", 1), ("b", 2)))
    warehouse.replace_all(TOTALS, totals(("b", 3), ("b", 4)), of={"account": "b"})
    assert rows(warehouse, TOTALS) == [("a", 1), ("b", 3), ("b", 4)]
    warehouse.replace_all(TOTALS, totals(("c", 5)))
    assert rows(warehouse, TOTALS) == [("c", 5)]
    warehouse.replace_all(TOTALS, totals())
    assert rows(warehouse, TOTALS) == []


def _filled(warehouse: Warehouse) -> None:
    """Sums of two accounts and two days, followed by other lines."""
    of = [(d, a, p, "1", None) for d in (DAY, NEXT) for a in ("a", "b") for p in ("x", "y")]
    warehouse.replace_days(LINES, [DAY, NEXT], lines(*of))
    warehouse.fill_days(SUMS, "contract/sums", [DAY, NEXT], first_day=DAY, last_day=NEXT)
    assert [row[3] for row in rows(warehouse, SUMS)] == [Decimal(1)] * 8
    warehouse.replace_days(LINES, [DAY, NEXT], lines(*((*row[:3], "20", None) for row in of)))


def _changed(warehouse: Warehouse) -> set[tuple[date, str, str]]:
    return {row[:3] for row in rows(warehouse, SUMS) if row[3] == 20}


def test_a_query_fills_the_days_that_it_is_to_fill(warehouse: Warehouse) -> None:
    _filled(warehouse)
    warehouse.fill_days(SUMS, "contract/sums", [DAY], first_day=DAY, last_day=NEXT)
    assert _changed(warehouse) == {(DAY, a, p) for a in "ab" for p in "xy"}
    assert len(rows(warehouse, SUMS)) == 8


def test_a_query_leaves_the_day_between_those_that_it_fills(warehouse: Warehouse) -> None:
    days = [DAY, NEXT, NEXT + ONE_DAY]
    for amount, filled in (("1", days), ("20", [DAY, days[-1]])):
        warehouse.replace_days(LINES, days, lines(*((d, "a", "x", amount, None) for d in days)))
        warehouse.fill_days(SUMS, "contract/sums", filled, first_day=DAY, last_day=days[-1])
    assert _changed(warehouse) == {(DAY, "a", "x"), (days[-1], "a", "x")}
    assert len(rows(warehouse, SUMS)) == len(days)


def test_a_query_fills_the_rows_of_one_provider(warehouse: Warehouse) -> None:
    _filled(warehouse)
    old = SUMS.frame({"activity_date": [DAY], "account": ["a"], "provider": [None], "amount_usd": [Decimal(7)]})
    before = warehouse.ask(f"select * from {SUMS.address}").select(*SUMS.columns)
    warehouse.replace_days(SUMS, [DAY, NEXT], pl.concat([before, old]))
    warehouse.fill_days(SUMS, "contract/sums", [DAY], of={"provider": "x"}, first_day=DAY, last_day=NEXT)
    assert _changed(warehouse) == {(DAY, a, "x") for a in "ab"}
    assert [row for row in rows(warehouse, SUMS) if row[2] is None] == []  # from an older shape of the table


def test_a_query_leaves_the_accounts_that_are_kept(warehouse: Warehouse) -> None:
    _filled(warehouse)
    days = [DAY, NEXT]
    warehouse.fill_days(SUMS, "contract/sums", days, kept={DAY: ["a"], NEXT: []}, first_day=DAY, last_day=NEXT)
    assert _changed(warehouse) == {(DAY, "b", p) for p in "xy"} | {(NEXT, a, p) for a in "ab" for p in "xy"}
    assert len(rows(warehouse, SUMS)) == 8


def test_a_query_fills_a_whole_table_with_the_types_it_declares(warehouse: Warehouse) -> None:
    warehouse.replace_days(LINES, [DAY], lines((DAY, "a", None, "1", None), (DAY, "a", None, "1", None)))
    warehouse.fill_all(TOTALS, "contract/totals")
    warehouse.fill_all(TOTALS, "contract/totals")
    assert rows(warehouse, TOTALS) == [("a", 2)]


def test_a_query_that_fails_changes_nothing(warehouse: Warehouse) -> None:
    _filled(warehouse)
    before = rows(warehouse, SUMS)
    with pytest.raises(Exception, match=r"(?i)null|required"):
        warehouse.replace_days(SUMS, [DAY], pl.DataFrame({"activity_date": [DAY], "amount_usd": [None]}))
    assert rows(warehouse, SUMS) == before


def test_answers_have_the_types_of_their_columns(warehouse: Warehouse) -> None:
    warehouse.replace_days(LINES, [DAY], lines((DAY, "a", None, "1.5", None), (DAY, "b", None, "100", "x")))
    found = warehouse.ask(
        f"select activity_date, sum(amount_usd) as usd, count(*) as n, true as yes, cast(@at as timestamp) as at "
        f"from {LINES.address} where account in unnest(@accounts) and amount_usd > @least group by activity_date",
        at=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        accounts=["a", "b"],
        least=Decimal("0.25"),
        not_used=1,
    )
    assert found.rows() == [(DAY, Decimal("101.5"), 2, True, datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))]
    assert [found.schema[name] for name in ("activity_date", "n", "yes")] == [pl.Date, pl.Int64, pl.Boolean]
    assert (
        warehouse.ask(f"select note from {LINES.address} where account in unnest(@accounts)", accounts=[]).rows() == []
    )


def test_views_and_functions_are_there(warehouse: Warehouse) -> None:
    rows_ = [(DAY, "a", None, "99", None), (NEXT, "a", None, "100", None)]
    warehouse.replace_days(LINES, [DAY, NEXT], lines(*rows_))
    assert [row[3] for row in rows(warehouse, BIG)] == [100]
    found = warehouse.ask("select amount_usd from ai_usage_analytics.since(date '2026-11-11')")
    assert found["amount_usd"].to_list() == [100]
    assert (warehouse.has(LINES), warehouse.has(Table(name="none", grain="", columns={}))) == (True, False)


def test_an_answer_is_of_what_was_written_last(reopen: Open) -> None:
    warehouse = reopen()
    with warehouse.connected():
        for n in range(1, 3):
            warehouse.replace_days(LINES, [DAY], lines(*[(DAY, "a", None, "1", None)] * n))
            assert [len(rows(warehouse, LINES)) for _ in range(2)] == [n, n]
    warehouse.publish()
    other = reopen()
    other.replace_days(LINES, [DAY], lines())
    other.publish()
    assert rows(warehouse, LINES) == []


def test_builds_are_kept_by_table_and_day(warehouse: Warehouse) -> None:
    warehouse.note_build(Build("core/lines", [DAY, NEXT], 5, failure="it broke"))
    warehouse.note_build(Build("core/people", [None], 5))
    warehouse.publish()
    warehouse.note_build(Build("core/lines", [NEXT], 7))
    warehouse.note_build(Build("core/people", [None], 8))
    warehouse.publish()
    warehouse.publish()
    found = warehouse.ask(
        f"select asset, activity_date, built_from, failure from {BUILDS.address} order by asset, activity_date"
    )
    assert found.rows() == [
        ("core/lines", DAY, f"{5:020d}", "it broke"),
        ("core/lines", NEXT, f"{7:020d}", None),
        ("core/people", None, f"{8:020d}", None),
    ]


def test_the_ledger_as_of_an_instant_is_a_warehouse_of_its_own(warehouse: Warehouse, tmp_path: Path) -> None:
    [first] = warehouse.append(PULL, [answer(DAY, "1")])
    warehouse.append(PULL, [answer(None, "4")])
    [before] = warehouse.append(PULL, [answer(NEXT + ONE_DAY, "3")])
    warehouse.append(PULL, [answer(DAY, "2")])
    warehouse.publish()
    cut = warehouse.as_of(before.pulled_at, BOTH, into=tmp_path / "cut.duckdb")
    assert (cents(cut, BOTH), cents(cut, None), cut.pulled_days(PULL)) == ([1], [4], [DAY])
    assert cut.newest(PULL, BOTH).versions["pull_id"].to_list() == [first.pull_id]
    assert cents(warehouse, BOTH) == [2]
