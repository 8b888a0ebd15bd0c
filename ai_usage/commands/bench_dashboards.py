"""What the dashboards' cards cost to ask, for `bench`: each one alone and all together, over two years of a thousand
people, in a process that asked nothing before. Seconds are of the machine at that moment.
"""

import tempfile
import time
from collections.abc import Callable
from typing import Any

from ai_usage.commands.bench_marts import ALL, TWO_YEARS
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.cards import result
from ai_usage.definitions import duckdb_warehouse
from ai_usage.settings import settings

PEOPLE = 1_000

Measure = Callable[[str, int, str], dict[str, Any]]  # worker, people, folder


def figures(measure: Measure) -> dict[str, Any]:
    """A company and its marts are made first, which takes minutes."""
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        for worker in ("company", f"marts_{ALL}"):
            measure(worker, PEOPLE, folder)
        return {"people": PEOPLE, "days": TWO_YEARS, **measure("dashboards", PEOPLE, folder)}


def dashboards(_: str, __: int) -> dict[str, Any]:
    """Every card of every board, over one connection; checking the boards' files is counted too."""
    warehouse = duckdb_warehouse(settings(), is_read_only=True)
    seconds, rows = {}, {}
    wall, cpu = time.perf_counter(), time.process_time()
    with warehouse.connected():
        for board in boards():
            for card in board.cards:
                began = time.perf_counter()
                rows[card.name] = result(warehouse, card).rows.height
                seconds[card.name] = round(time.perf_counter() - began, 3)
    return {
        "seconds": round(time.perf_counter() - wall, 2),
        "seconds_of_queries": round(sum(seconds.values()), 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "seconds_by_card": seconds,
        "rows_by_card": rows,
    }


WORKERS = {"dashboards": dashboards}
