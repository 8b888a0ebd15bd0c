"""Cached facts about a project cost no job, and nothing that another run may have changed is cached."""

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import pytest

from ai_usage.partitions import Span
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.providers.anthropic.tables import RAW_TABLES
from ai_usage.warehouse.bigquery import memory, questions
from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse
from ai_usage.warehouse.bigquery.errors import Unavailable
from ai_usage.warehouse.bigquery.lease import WRITER_LEASE
from ai_usage.warehouse.bigquery.memory import Memory
from ai_usage.warehouse.erasures import ERASURES
from ai_usage.warehouse.reads import reads_of
from ai_usage.warehouse.table import PULLS, Table
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.bigquery.test_port import BOTH, DAY, LINES, NEXT, SUMS, TOTALS, lines
from ai_usage_tests.warehouse.writing import PULL, answer

TABLES = (PULLS, RAW_TABLES[PULL], LINES, SUMS, TOTALS, ERASURES)
USD = f"select account, sum(amount_usd) as usd from {LINES.address} group by account order by account"
LONG = Span(date(2026, 8, 1), date(2026, 10, 31))

Open = Callable[..., BigQueryWarehouse]


@pytest.fixture
def project(running: Emulator, request: pytest.FixtureRequest) -> Open:
    """Opens the same warehouse again, as another process does unless it is given a memory."""
    name = f"p-{abs(hash(request.node.nodeid)):x}"
    return lambda **more: running.warehouse(TABLES, project=name, **more)


@pytest.fixture
def no_table_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (memory, questions):
        monkeypatch.setattr(module, "SMALL_ROWS", 1)


def line(usd: str, day: date = DAY, account: str = "a") -> tuple[date, str, None, str, None]:
    return day, account, None, usd, None


def usd(warehouse: BigQueryWarehouse) -> list[int]:
    return [int(amount) for amount in warehouse.ask(USD)["usd"]]


def jobs_of(warehouse: BigQueryWarehouse, does: Callable[[], Any]) -> int:
    """The number of jobs of an action."""
    before = warehouse.jobs.counts.total()
    does()
    return warehouse.jobs.counts.total() - before


def amounts(warehouse: BigQueryWarehouse) -> list[int]:
    return [int(found.amount) for found in warehouse.newest(PULL, BOTH).decode(CostLine)]


def test_what_a_process_wrote_it_need_not_ask(project: Open) -> None:
    ours = project()
    with ours.connected():
        ours.append(PULL, [answer(DAY, "1", "2"), answer(NEXT, "3")])
        ours.replace_days(LINES, [DAY, NEXT], lines(line("1"), line("2", account="b"), line("4", NEXT)))
        ours.replace_days(LINES, [DAY], lines(line("8", account="b")), of={"account": "b"})
        ours.replace_all(TOTALS, TOTALS.frame({"account": ["a"], "line_count": [7]}))

        def look() -> None:
            assert amounts(ours) == [1, 2, 3]
            assert usd(ours) == [5, 8]
            assert ours.ask(f"select sum(line_count) as n from {TOTALS.address}").item() == 7
            assert ours.ask(f"select count(*) as n from {RAW_TABLES[PULL].address}").item() == 3

        assert jobs_of(ours, look) == 0
    assert ours.jobs.query(USD).rows() == ours.ask(USD).rows() == project().ask(USD).rows()


def test_a_small_table_is_read_whole_without_a_job(project: Open) -> None:
    writer = project()
    writer.replace_days(LINES, [DAY], lines(line("1.5"), line("2", account="b")))
    writer.append(PULL, [answer(DAY, "1")])
    writer.publish()
    reader = project(is_read_only=True)
    assert usd(reader) == [1, 2]
    assert reader.pulled_days(PULL) == [DAY]
    assert reader.ask(f"select max(pulled_at) as at from {PULLS.address}").height == 1
    assert reader.jobs.counts.total() == 0


@pytest.mark.usefixtures("no_table_is_small")
def test_a_question_about_a_large_table_is_asked_once_until_the_table_is_written(project: Open) -> None:
    ours = project()
    with ours.connected():
        ours.replace_days(LINES, [DAY], lines(line("1"), line("2", account="b")))
        assert jobs_of(ours, lambda: [usd(ours) for _ in range(3)]) == 1
        ours.replace_all(TOTALS, TOTALS.frame({"account": ["a"], "line_count": [1]}))
        assert jobs_of(ours, lambda: usd(ours)) == 0
        ours.replace_days(LINES, [DAY], lines(line("5"), line("6", account="b")))
        assert usd(ours) == [5, 6]


def test_what_another_run_is_writing_is_never_remembered(project: Open) -> None:
    writer, reader = project(), project(is_read_only=True)
    for amount in (1, 2, 3):
        writer.replace_days(LINES, [DAY], lines(line(str(amount))))
        writer.append(PULL, [answer(DAY, str(amount))])
        assert (usd(reader), amounts(reader)) == ([amount], [amount])


def test_warehouses_of_one_process_know_what_the_others_wrote(project: Open) -> None:
    shared = Memory()
    first, second = project(memory=shared), project(memory=shared)
    first.append(PULL, [answer(DAY, "1")])
    first.replace_days(LINES, [DAY], lines(line("1")))
    first.publish()
    assert jobs_of(second, lambda: (usd(second), amounts(second))) == 0
    second.replace_days(LINES, [DAY], lines(line("2")))
    second.publish()
    assert jobs_of(first, lambda: usd(first)) == 0
    assert usd(first) == [2]
    other = project()
    other.replace_days(LINES, [DAY], lines(line("3")))
    other.append(PULL, [answer(DAY, "3")])
    other.publish()
    assert (usd(first), amounts(second)) == ([3], [3])


def test_a_sensor_that_looks_again_costs_no_job(project: Open) -> None:
    writer, shared = project(), Memory()
    writer.append(PULL, [answer(DAY, "1")])
    writer.publish()
    looks = f"select pull, max(pulled_at) as at from {PULLS.address} where pull in unnest(@pulls) group by pull"
    for _ in range(2):
        tick = project(is_read_only=True, memory=shared)
        assert tick.ask(looks, pulls=[PULL]).height == 1
        assert tick.jobs.counts.total() == 0


def test_too_many_records_are_forgotten_and_fetched_again(project: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "RECORD_BYTES", 1)
    ours = project()
    with ours.connected():
        ours.append(PULL, [answer(DAY, "1", "2")])
        ours.append(PULL, [answer(NEXT, "3")])
        assert [amounts(ours), amounts(ours)] == [[1, 2, 3], [1, 2, 3]]
    assert ours.jobs.counts["query"] > 2


def test_a_write_with_a_lost_answer_is_looked_up(project: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = project()
    ours.replace_days(LINES, [DAY], lines(line("1")))
    query = ours.jobs.query

    def loses_its_answer(googlesql: str, parameters: Any = None) -> pl.DataFrame:
        query(googlesql, parameters)
        raise Unavailable("lost")

    with ours.connected():
        monkeypatch.setattr(ours.jobs, "query", loses_its_answer)
        with pytest.raises(Unavailable):
            ours.replace_days(LINES, [DAY], lines(line("2")))
        monkeypatch.setattr(ours.jobs, "query", query)
        assert usd(ours) == [2]


def test_what_changes_with_the_time_or_the_lease_is_asked_each_time(project: Open) -> None:
    ours = project()
    ours.replace_days(LINES, [DAY], lines(line("1")))
    for question in ("select current_timestamp() as now", f"select expires_at as at from {WRITER_LEASE.address}"):
        assert jobs_of(ours, lambda asked=question: [ours.ask(asked) for _ in range(2)]) == 2  # type: ignore[misc]


@pytest.mark.parametrize("days", [1, 92])
def test_jobs_are_the_same_for_a_day_and_for_three_months(project: Open, days: int) -> None:
    ours, of = project(), LONG.days[:days]

    def work() -> None:
        ours.append(PULL, [answer(day, "1") for day in of])
        ours.replace_days(LINES, of, lines(*(line("1", day) for day in of)))
        assert ours.newest(PULL, Span(of[0], of[-1])).lines.height == days
        assert usd(ours) == [days]

    with ours.connected():
        assert jobs_of(ours, work) == 3  # the records, their commit, and a MERGE


def test_a_question_reads_what_its_text_names_outside_of_comments_and_literals() -> None:
    text = "-- ai_usage_raw.no\nselect 'ai_usage_raw.no', a from ai_usage_analytics.lines join ai_usage_raw.pulls"
    assert reads_of(text, {}).tables == ("ai_usage_analytics.lines", "ai_usage_raw.pulls")
    assert not reads_of("select * from ai_usage_analytics.spend_as_of(@at)", {}).is_known


def test_a_question_reads_what_its_views_read(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"inner": f"select * from {LINES.address}", "outer": "select * from ai_usage_analytics.inner"}
    monkeypatch.setattr("ai_usage.warehouse.reads.read", texts.__getitem__)
    views = [Table(name=name, grain="", columns={}, view_of=name) for name in texts]
    found = reads_of(
        f"select 1 from ai_usage_analytics.outer, {TOTALS.address}", {view.address: view for view in views}
    )
    assert found.tables == (LINES.address, TOTALS.address)
    assert [view.name for view in found.views] == ["inner", "outer"]
