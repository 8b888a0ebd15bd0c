"""After any interruption or error, repeating the same work gives the same result, and nothing is written twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
import stamina

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse
from ai_usage.warehouse.bigquery.jobs import ATTEMPTS
from ai_usage.warehouse.builds import BUILDS, Build
from ai_usage.warehouse.table import PULLS, raw_table
from ai_usage_tests.bigquery.faults import Killed, Line
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.bigquery.test_lease import OVER
from ai_usage_tests.bigquery.test_port import LINES, SUMS, TABLES, TOTALS, lines, queries, rows  # noqa: F401
from ai_usage_tests.warehouse.writing import PULL, answer

DAY = date(2026, 11, 10)
NEXT = DAY + ONE_DAY
POINTS = ("tables half made", "records loaded", "pull committed", "days staged", "lease not given back")


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def work(warehouse: BigQueryWarehouse) -> None:
    """A small run: it pulls, writes days, fills a mart and a whole table, and records what it built."""
    with warehouse.connected():
        warehouse.append(PULL, [answer(DAY, "1", "2"), answer(NEXT, "3")])
        warehouse.append(PULL, [answer(None, "9")])
        pulled = warehouse.newest(PULL, Span(DAY, NEXT))
        assert pulled.lines.height == 3
        text = "ü" * 40
        warehouse.replace_days(
            LINES, [DAY, NEXT], lines(*[(d, a, "x", "1.5", text) for d in (DAY, NEXT) for a in ("a", "b")] * 150)
        )
        warehouse.fill_days(SUMS, "contract/sums", [DAY, NEXT], first_day=DAY, last_day=NEXT)
        warehouse.fill_all(TOTALS, "contract/totals")
        warehouse.note_build(Build("core/lines", [DAY, NEXT], 5))
    warehouse.publish()


def left_by(warehouse: BigQueryWarehouse) -> dict[str, Any]:
    """Every table, as readers see it: records count only if `pulls` has their row."""
    raw = raw_table(PULL).address
    committed = (
        f"select account, activity_date, record from {raw} where pull_id in (select pull_id from {PULLS.address})"
    )
    found = {table.name: rows(warehouse, table) for table in (LINES, SUMS, TOTALS)}
    builds = warehouse.ask(f"select asset, activity_date, built_from from {BUILDS.address} order by 1, 2").rows()
    return {**found, "builds": builds, "records": sorted(map(repr, warehouse.ask(committed).rows()))}


class Runs:
    """Runs on one project, each in a new process."""

    def __init__(self, running: Emulator, project: str) -> None:
        self.running, self.project = running, project

    def opened(self) -> BigQueryWarehouse:
        return self.running.warehouse(
            TABLES, project=self.project, clock=lambda: datetime.now(UTC), functions=("contract/since",)
        )

    def left(self) -> dict[str, Any]:
        return left_by(self.opened())


@dataclass(frozen=True)
class Undisturbed:
    """The result of the work, and the number of the request at which it reached each point."""

    left: dict[str, Any]
    points: dict[str, int]


@pytest.fixture(scope="module")
def undisturbed(running: Emulator) -> Undisturbed:
    runs = Runs(running, "p-undisturbed")
    warehouse = runs.opened()
    line = Line(warehouse.jobs.client)
    work(warehouse)
    loads = [n for n, path in enumerate(line.sent, start=1) if "/upload/" in path]
    records, commit = loads[:2]
    of_lease = next(n for n, path in enumerate(line.sent, start=1) if path.endswith("/queries"))
    last_write = max(n for n, path in enumerate(line.sent, start=1) if path.endswith("/queries")) - 1
    return Undisturbed(
        runs.left(), dict(zip(POINTS, (of_lease - 1, records, commit, loads[-1], last_write), strict=True))
    )


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_the_same_work_again_leaves_the_same(
    running: Emulator, undisturbed: Undisturbed, point: str
) -> None:
    runs = Runs(running, f"p-killed-{POINTS.index(point)}")
    warehouse, last = runs.opened(), undisturbed.points[point]
    line = Line(warehouse.jobs.client, lambda n: "killed" if n == last else "")
    with pytest.raises(Killed):
        work(warehouse)
    again = runs.opened()
    if point != POINTS[0]:
        assert len(line.sent) == last
        again.jobs.query(OVER)  # a later instant: the lease was not released
    work(again)
    assert runs.left() == undisturbed.left


def test_lost_answers_and_errors_write_nothing_twice_and_lose_nothing(
    running: Emulator, undisturbed: Undisturbed
) -> None:
    """Every third request has a fault."""
    runs = Runs(running, "p-faulty")
    warehouse = runs.opened()
    faults = ("lost", "500", "lost", "503", "403")
    line = Line(warehouse.jobs.client, lambda n: "" if n % 3 else faults[n // 3 % len(faults)])
    work(warehouse)
    assert min(line.happened[fault] for fault in (*faults, "409")) > 0
    assert runs.left() == undisturbed.left
    written = runs.opened().ask(f"select count(*) as n, count(distinct pull_id) as pulls from {PULLS.address}").rows()
    assert written == [(3, 3)]
