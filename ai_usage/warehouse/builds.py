"""The last build of each table and day. It shows which later pulls are in the ledger but not yet in the tables,
whatever kept a run from building them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from ai_usage.warehouse.table import Table, day, instant, string

BUILDS = Table(
    name="builds",
    grain="the last build of one table and UTC day; for a table without days, the last build of the whole table",
    question="When was a table last built, and did it fail?",
    example="select asset, activity_date, built_at, failure from ai_usage_analytics.builds where failure is not null "
    "order by built_at desc",
    columns={
        "asset": string("layer/table", required=True),
        "activity_date": day("the UTC day; null of a table without days", required=False),
        "built_from": string("it includes every pull with a pull_id that sorts before this", required=True),
        "built_at": instant("when its build began", required=True),
        "failure": string("why the table was not built, or which table it is made of was not; null if all is well"),
    },
    date_column=None,
)


@dataclass(frozen=True)
class Build:
    """One run's build of one table."""

    asset: str
    days: Sequence[date | None]
    began: int  # nanoseconds, like the time that a pull_id begins with
    failure: str = ""
    parents: tuple[str, ...] = ()  # the tables it is made of


def build_rows(builds: Sequence[Build]) -> pl.DataFrame:
    """Rows of `builds`, the last of each table and day. A table that reads a table that was not built counts as not
    built either: both are built again together.
    """
    failures: dict[tuple[str, date | None], str] = {}
    rows: dict[tuple[str, date | None], dict[str, object]] = {}
    for build in builds:
        for day_ in build.days:
            inherited = (f"{parent} was not built" for parent in build.parents if _failed(failures, parent, day_))
            failures[build.asset, day_] = build.failure or next(inherited, "")
            rows[build.asset, day_] = {
                "asset": build.asset,
                "activity_date": day_,
                "built_from": f"{build.began:020d}",
                "built_at": datetime.fromtimestamp(build.began / 1e9, UTC),
                "failure": failures[build.asset, day_] or None,
            }
    return BUILDS.frame({name: [row[name] for row in rows.values()] for name in BUILDS.columns})


def _failed(failures: dict[tuple[str, date | None], str], parent: str, day_: date | None) -> bool:
    """Whether a parent failed on the day, or the whole of it; of a table without days, on any day."""
    if day_ is None:
        return any(why for (asset, _), why in failures.items() if asset == parent)
    return bool(failures.get((parent, day_)) or failures.get((parent, None)))
