"""The cost of rebuilding the marts, for `bench`: two years of a thousand people, one day of them, and how both grow
with people. Seconds depend on the machine at that moment; CPU seconds and ratios are comparable.
"""

import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.core.tables import CORE_TABLES
from ai_usage.marts.build_days import rebuild_all
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic import tables as claude
from ai_usage.providers.cursor import tables as cursor
from ai_usage.settings import settings
from bench.company import LAST, Company

TWO_YEARS = 730  # days
PEOPLE = (250, 500, 1_000)  # once, twice and four times the data
A_WORKING_DAY = LAST - ONE_DAY
ALL, ONE = "all_days", "one_day"

Worker = Callable[[str, int], dict[str, Any]]  # url, size
Measure = Callable[[str, int, str], dict[str, Any]]  # worker, people, folder


def figures(measure: Measure) -> dict[str, Any]:
    """Three companies, each in a folder of its own; every measurement in a process of its own."""
    companies = []
    for people in PEOPLE:
        with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
            made = measure("company", people, folder)
            companies.append({**made, **{worker: measure(f"marts_{worker}", people, folder) for worker in (ALL, ONE)}})
    least, most = companies[0], companies[-1]
    return {
        "company": f"{PEOPLE[-1]:,} people over {TWO_YEARS} days; see bench/company.py",
        ALL: most[ALL],
        ONE: most[ONE],
        "growth_with_people": [_beside(company, least) for company in companies],
        "core_rows": most["core_rows"],
        "seconds_to_make_the_company": most["seconds"],
    }


def _beside(company: dict[str, Any], least: dict[str, Any]) -> dict[str, Any]:
    """Growth of CPU time compared with growth of rows: 1 is proportional, less is better."""
    more = sum(company["core_rows"].values()) / sum(least["core_rows"].values())
    grown: dict[str, Any] = {"people": company["people"], "rows_ratio": round(more, 2)}
    for which in (ALL, ONE):
        ratio = company[which]["cpu_seconds"] / least[which]["cpu_seconds"]
        grown[which] = {
            "seconds": company[which]["seconds"],
            "cpu_seconds": company[which]["cpu_seconds"],
            "peak_mib": company[which]["peak_mib"],
            "cpu_ratio": round(ratio, 2),
            "cpu_ratio_to_rows_ratio": round(ratio / more, 2),
        }
    return grown


def company(_: str, people: int, days: int = TWO_YEARS) -> dict[str, Any]:
    """Make the company; returns the number of rows in each core table."""
    began = time.perf_counter()
    warehouse = warehouse_file(settings())
    Company(people, days).fill(warehouse)
    seconds = round(time.perf_counter() - began, 1)
    with warehouse.connected():
        rows = {
            table.name: warehouse.ask(f"select count(*) as n from {table.address}").item()
            for table in (*claude.CORE_TABLES, *cursor.CORE_TABLES, *CORE_TABLES)
        }
    return {"people": people, "seconds": seconds, "core_rows": rows}


def all_days(_: str, people: int, days: int = TWO_YEARS) -> dict[str, Any]:
    return _rebuilt([Company(people, days).span])


def one_day(_: str, __: int) -> dict[str, Any]:
    return _rebuilt([Span(A_WORKING_DAY, A_WORKING_DAY)])


def _rebuilt(spans: Sequence[Span]) -> dict[str, Any]:
    """Every mart, in a fresh process; only the start of Python is not measured."""
    warehouse = warehouse_of(settings())
    wall, cpu = time.perf_counter(), time.process_time()
    with warehouse.connected():
        steps = list(rebuild_all(warehouse, spans))
    seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    wall = time.perf_counter()
    warehouse.publish()
    return {
        "days": sum(len(span.days) for span in spans),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu_seconds, 2),
        "publish_seconds": round(time.perf_counter() - wall, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "days_blocked": len({day for step in steps for day in step.blocked}),
        "rows": {step.name: step.rows for step in steps if step.rows is not None},
        "seconds_by_step": {step.name: round(step.seconds, 2) for step in steps if not step.skipped},
    }


WORKERS: dict[str, Worker] = {"company": company, f"marts_{ALL}": all_days, f"marts_{ONE}": one_day}
