"""The declaration of a check, and its results: passed, warned, failed or not evaluated.

A declaration names the table, the pulls it relies on, and the function that evaluates it. `checks.runner` makes
Dagster checks of the declarations, `checks.registry` lists them all. A provider's own checks are in its folder, checks
that span providers in `checks`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Literal, TypeVar

import dagster as dg
import polars as pl

from ai_usage.ingest.ledger_writes import Source
from ai_usage.partitions import Span
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.port import Warehouse

Grain = Literal["day", "snapshot", "run"]
Status = Literal["passed", "warned", "failed"]
GRAVITY: Mapping[Status, int] = {"passed": 0, "warned": 1, "failed": 2}
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
Row = Mapping[str, Any]
Rows = Sequence[Row]

ALERTS_BY_ROW = "named"  # in a row that alerts send once, by its `alert_key`: its subject; the text is in `sentence`


@dataclass(frozen=True)
class Result:
    """The result of a check, in one sentence, with the rows that show it."""

    status: Status
    why: str
    rows: Rows = ()
    has_input: bool = True  # false: the check's input is missing, which fails it whatever its severity

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return WARN if self.status == "warned" else ERROR


@dataclass(frozen=True)
class NotEvaluated:
    """Why there is nothing to evaluate: the check neither passed nor failed."""

    why: str


Finding = Result | NotEvaluated
F = TypeVar("F", bound=Result | NotEvaluated | None)


def passed(why: str) -> Result:
    return Result("passed", why)


def warned(why: str, rows: Rows = ()) -> Result:
    return Result("warned", why, rows)


def failed(why: str, rows: Rows = ()) -> Result:
    return Result("failed", why, rows)


def without_input(why: str) -> Result:
    """The result of a check without input: it failed, since a check of nothing has not passed."""
    return Result("failed", why, has_input=False)


PASSED = passed("Passed.")


def worst_of(results: Mapping[str, Result]) -> Result:
    """The results of several accounts as one: the worst status, with the sentences of the accounts that have it."""
    grave = max(results.values(), key=lambda result: GRAVITY[result.status]).status
    those = {account: result for account, result in results.items() if result.status == grave}
    why = " ".join(f"{account}: {result.why}" for account, result in those.items())
    return Result(grave, why, [row for result in those.values() for row in result.rows])


@dataclass(frozen=True, kw_only=True)
class Check:
    """The fields of every check. `name` is a statement that is true when it passes. `asset` and `also_reads` are
    addresses `layer/table`. One of several sources is enough.
    """

    name: str
    asset: str
    title: str  # the mistake it catches
    description: str  # what is true when it passes
    severity: Literal["warned", "failed"]  # its worst result, unless it has no input or cannot run
    sources: tuple[Source, ...]
    pulls: tuple[str, ...]  # that it relies on
    provider: str = ""  # empty: it spans providers
    sql: str = ""  # the file under sql/ with the rows that it evaluates
    also_reads: tuple[str, ...] = ()
    is_optional: bool = False  # the plan, the key's scope or the sheet may lack its pulls
    gates_day: bool = False  # a day on which it fails is blocked
    formerly: str = ""  # its name in earlier releases, under which results are stored
    grain: ClassVar[Grain]

    @property
    def key(self) -> dg.AssetCheckKey:
        return dg.AssetCheckKey(dg.AssetKey(self.asset.split("/")), self.name)

    def within_severity(self, finding: F) -> F:
        """The finding; `ValueError` if it is worse than the check declares."""
        if isinstance(finding, Result) and finding.has_input and GRAVITY[finding.status] > GRAVITY[self.severity]:
            raise ValueError(f"{self.name} is declared to be {self.severity} at worst: {finding.status}, {finding.why}")
        return finding


@dataclass(frozen=True, kw_only=True)
class DailyCheck(Check):
    """A check with a result for each day. `evaluate` gives the results that differ from `PASSED`.

    A day is evaluated if its `pulls` were made; of several sources, one pull is enough. A day that lacks one of them
    has failed if any of these or of `asked_by` asked the provider about it, unless the pulls are optional. With
    `asked_by`, optional pulls are required once the provider has answered one of them.
    """

    evaluate: Callable[[Warehouse, Span], Mapping[date, Finding]]
    asked_by: tuple[str, ...] = ()
    optional_pulls: tuple[str, ...] = ()  # those of its pulls that a day may lack, where others are needed
    compares_marts: bool = False  # with core: marts lag on a blocked day, so a difference is a warning
    grain = "day"


@dataclass(frozen=True, kw_only=True)
class SnapshotCheck(Check):
    """A check without days: one result per run; None if nothing was pulled. A check that `is_about_now` is not
    evaluated in a run of days long past. `asks` first queries the source: its error is the result, and its answer is
    the second argument of `evaluate` (None if the source is not configured).
    """

    evaluate: Callable[..., Finding | None]
    is_about_now: bool = False
    asks: Callable[[Any], object] | None = None
    grain = "snapshot"


@dataclass
class Sightings:
    """What was seen on some days: the number of records, and each noteworthy thing with the number of records that have
    it. A directory's day is the day of its pull.
    """

    records: int = 0
    seen: dict[date, Counter[str]] = field(default_factory=dict)

    def add(self, day: date, things: Counter[str], records: int) -> None:
        self.records += records
        self.seen[day] = things


@dataclass(frozen=True, kw_only=True)
class RunCheck(Check):
    """A check of all days of a run together: one warning for the run, with a row for each thing that `look` found. The
    same thing on several days is one row. For pulls without days, `look` gets no span.
    """

    look: Callable[[Warehouse, Span | None, Sightings], None]
    warning: str  # how the result begins
    is_daily: bool = True
    severity: Literal["warned", "failed"] = "warned"
    grain = "run"


def each_day(
    sql: str, result: Callable[[list[dict[str, Any]]], Finding], *, only: str | None = None, **parameters: Any
) -> Callable[[Warehouse, Span], Mapping[date, Finding]]:
    """The evaluation of a query that returns rows of days with errors: a result for each of these days. Rows of several
    accounts are evaluated account by account.
    """

    def evaluate(warehouse: Warehouse, span: Span) -> Mapping[date, Finding]:
        wrong = wrong_rows(warehouse, sql, span, only=only, **parameters)
        return {day: each_account(rows, result) for day, rows in wrong.items()}

    return evaluate


def each_account(rows: list[dict[str, Any]], result: Callable[[list[dict[str, Any]]], Finding]) -> Finding:
    """The result of rows that may be of several accounts, evaluated account by account."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row.get("account")), []).append(row)
    return of_accounts({account: result(of) for account, of in found.items()})


def of_accounts(found: Mapping[str, Finding]) -> Finding:
    """The results by account as one: the worst status, with a sentence for each account that has not passed."""
    if len(found) == 1:
        return next(iter(found.values()))
    results = {name: one for name, one in sorted(found.items()) if isinstance(one, Result)}
    shown = {name: one for name, one in results.items() if not one.passed} or results
    worst = max((one.status for one in shown.values()), key=GRAVITY.__getitem__)
    why = " ".join(f"Account {name}: {one.why}" for name, one in shown.items())
    rows = tuple(row for one in shown.values() for row in one.rows)
    return Result(worst, why, rows, has_input=any(one.has_input for one in shown.values() if one.status == worst))


def evaluate_mart(
    warehouse: Warehouse, mart: str, sql: str, result: Callable[[list[dict[str, Any]]], Finding]
) -> Finding:
    """The evaluation of a query that reads a mart, if the mart has rows."""
    if not warehouse.ask(f"select count(*) as row_count from ai_usage_analytics.{mart}").item():
        return without_input(f"marts/{mart} is empty: build it.")
    return result(warehouse.query(sql).to_dicts())


def wrong_rows(
    warehouse: Warehouse, sql: str, span: Span, *, only: str | None = None, **parameters: Any
) -> dict[date, list[dict[str, Any]]]:
    """The rows of `sql/<sql>.sql`, by day. Of what it reads of each provider, `only` that of one."""
    return by_day(warehouse.ask(read(sql, only), first_day=span.first, last_day=span.last, **parameters))


def by_day(rows: pl.DataFrame) -> dict[date, list[dict[str, Any]]]:
    found: dict[date, list[dict[str, Any]]] = {}
    for row in rows.to_dicts():
        found.setdefault(row.pop("activity_date"), []).append(row)
    return found


def some(names: Iterable[object], *, at_most: int = 5, between: str = ", ") -> str:
    """A few of many, for a sentence."""
    shown = [str(name) for name in names]
    rest = len(shown) - at_most
    return between.join(shown[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def alerted(rows: Rows, named: Callable[[Row], str], sentence: Callable[[Row], str]) -> list[dict[str, Any]]:
    """The rows with the texts of their alerts: the subject and the sentence."""
    return [{ALERTS_BY_ROW: named(row), "sentence": sentence(row), **row} for row in rows]


def sentences(rows: Rows, *, at_most: int = 5) -> str:
    """The sentences of such rows, for the result."""
    return some((row["sentence"] for row in rows), at_most=at_most, between=" ")
