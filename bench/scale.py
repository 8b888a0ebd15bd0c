"""The marts of a large company, for `bench`, only when asked for: ten thousand people over a year. It takes some 6 GiB
of memory and, with the two copies, 15 GB of disk. A day is built twice, and the second is reported: the file that was
published before the last one is then one build old, as it is each day, and publishing writes what differs from it.
"""

import tempfile
from pathlib import Path
from typing import Any

from ai_usage.settings import settings
from bench import marts
from bench.marts import ALL, ONE, Measure

PEOPLE, YEAR = 10_000, 365
COMPANY, ALL_DAYS, ONE_DAY = "scale_company", f"scale_{ALL}", f"scale_{ONE}"


def figures(measure: Measure) -> dict[str, Any]:
    """Every measurement in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        made, whole, _, day = (measure(worker, PEOPLE, folder) for worker in (COMPANY, ALL_DAYS, ONE_DAY, ONE_DAY))
        size = (Path(folder) / settings().database.name).stat().st_size
    return {
        "company": f"{PEOPLE:,} people over {YEAR} days; see bench/company.py",
        ALL: whole,
        ONE: {**day, "seconds_with_publishing": round(day["seconds"] + day["publish_seconds"], 2)},
        "core_rows": made["core_rows"],
        "file_mib": round(size / 2**20),
        "seconds_to_make_the_company": made["seconds"],
    }


def company(_: str, people: int) -> dict[str, Any]:
    return marts.company("", people, days=YEAR)


def all_days(_: str, people: int) -> dict[str, Any]:
    return marts.all_days("", people, days=YEAR)


WORKERS = {COMPANY: company, ALL_DAYS: all_days, ONE_DAY: marts.one_day}
