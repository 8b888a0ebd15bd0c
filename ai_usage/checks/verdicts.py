"""How a claim is judged day by day: a verdict for each day of the run, stored under that day in a range run too.

`@dg.asset_check` stores one verdict for a whole range; a `multi_asset_check` may yield one a day. Run alone, a check
has no partitions: it then judges every day ever pulled. A check that saw no data is red, not green.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import wraps
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.errors import AiUsageError, WarehouseError
from ai_usage.layers import POOL, explained, in_plain_words, reason
from ai_usage.partitions import Span
from ai_usage.sources.pulling import Source
from ai_usage.warehouse.port import Warehouse

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
DAYS_AT_ONCE = 31  # bounds memory, whatever the range
ROWS_SHOWN, ROWS_TOLD = 20, 200  # of a verdict; of one whose rows are told one by one
TOLD_BY_ROW = "named"  # what a row is about, if it is told by itself: once for its `alert_key`, in the words `said`
NOTHING_TO_JUDGE = "Nothing to judge"  # how such a verdict begins: it says nothing of the claim

Rows = Sequence[Mapping[str, Any]]

RANGE_START, RANGE_END, ONE_PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)


@dataclass(frozen=True)
class Verdict:
    """What a claim comes to: true or not, in a sentence, with the rows that show it."""

    passed: bool
    why: str
    severity: dg.AssetCheckSeverity = ERROR
    rows: Rows = ()

    @classmethod
    def right(cls, why: str) -> "Verdict":
        return cls(True, why)  # noqa: FBT003 - named by its maker

    @classmethod
    def error(cls, why: str, rows: Rows = ()) -> "Verdict":
        return cls(False, why, ERROR, rows)  # noqa: FBT003

    @classmethod
    def warning(cls, why: str, rows: Rows = ()) -> "Verdict":
        return cls(False, why, WARN, rows)  # noqa: FBT003

    @property
    def gravity(self) -> int:
        return 0 if self.passed else 1 if self.severity == WARN else 2

    def evaluation(self, key: dg.AssetCheckKey, day: date | None) -> dg.AssetCheckEvaluation:
        metadata: dict[str, Any] = {}
        if self.rows:
            at_most = ROWS_TOLD if TOLD_BY_ROW in self.rows[0] else ROWS_SHOWN
            shown = [dg.TableRecord({k: _shown(v) for k, v in row.items()}) for row in self.rows[:at_most]]
            metadata = {"rows": dg.MetadataValue.table(shown)}
            if len(self.rows) > at_most:
                metadata["more_rows"] = f"{len(self.rows) - at_most} more are not shown"
        return dg.AssetCheckEvaluation(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=self.passed,
            severity=self.severity,
            description=f"{day}: {self.why}" if day else self.why,  # the UI's history names no partition
            metadata=metadata,
            partition=day.isoformat() if day else None,
        )


def _shown(value: object) -> str | int:
    """A cell of the rows; money keeps every digit that counts."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value if isinstance(value, int) else "null" if value is None else str(value)


IT_IS_SO = Verdict.right("It is so.")

Judge = Callable[[Warehouse, Span], Mapping[date, Verdict]]
Verdicts = Iterator[dg.AssetCheckEvaluation | dg.Output[None]]
Judged = Callable[[dg.AssetCheckExecutionContext], Verdicts]


def a_failed_result_at_worst(check: dg.AssetCheckSpec, *, has_days: bool) -> Callable[[Judged], Judged]:
    """A check that cannot run fails, with its reason, on each day it was to judge; it stops nothing but itself. Only a
    warehouse that cannot be used stops the run.
    """

    def decorate(judged: Judged) -> Judged:
        @wraps(judged)
        def step(context: dg.AssetCheckExecutionContext) -> Verdicts:
            try:
                yield from judged(context)
            except WarehouseError:
                raise
            except Exception as error:  # noqa: BLE001 - the border: it becomes data
                context.log.error("Cannot be judged: %s", explained(error))  # noqa: TRY400 - the traceback is in it
                verdict = Verdict.error(f"Cannot be judged: {reason(error)}")
                span = span_of_check(context, ()) if has_days else None
                for day in span.days if span else [None]:
                    yield verdict.evaluation(check.key, day)
                yield dg.Output(None, check.get_python_identifier())

        return step

    return decorate


def daily_check(
    claim: str,
    asset: dg.AssetKey,
    judge: Judge,
    *,
    source: Source | tuple[Source, ...],
    description: str,
    relies_on: Sequence[str],
    also_reads: Sequence[dg.AssetKey] = (),
    holds_its_day: bool = False,
    is_optional: bool = False,
) -> dg.AssetChecksDefinition:
    """A check of one claim about one asset, judged each day. `judge` gives the verdicts that differ from `It is so.`;
    a day whose `relies_on` pulls were never made is red without asking it, unless the pulls are optional. Of several
    sources, one pull is enough.

    `holds_its_day` makes what is downstream wait for the check. The verdicts themselves do not block the run: which
    days go on is `core.holding`'s decision, day by day.
    """
    sources = source if isinstance(source, tuple) else (source,)
    are_enough = any if len(sources) > 1 else all
    check = dg.AssetCheckSpec(
        claim, asset=asset, description=description, additional_deps=list(also_reads), blocking=holds_its_day
    )

    @dg.multi_asset_check(
        name=f"check__{asset.path[-1]}__{claim}",
        specs=[check],
        pool=POOL,
        required_resource_keys={"warehouse", *(one.resource for one in sources)},
    )
    @in_plain_words
    @a_failed_result_at_worst(check, has_days=True)
    def judged(context: dg.AssetCheckExecutionContext) -> Verdicts:
        warehouse: Warehouse = context.resources.warehouse
        is_wanted = any(_is_configured(context, one) for one in sources) and not is_optional
        nothing = unseen(relies_on, is_wanted=is_wanted)
        with warehouse.connected():
            pulled = [set(warehouse.pulled_days(pull)) for pull in relies_on]
            span = span_of_check(context, set().union(*pulled))
            verdicts: dict[date | None, Verdict] = {} if span else {None: nothing}
            for some_days in span.cut(at_most=DAYS_AT_ONCE) if span else ():
                found = judge(warehouse, some_days)
                for day in some_days.days:
                    was_pulled = are_enough(day in days for days in pulled)
                    is_judged = was_pulled or (is_wanted and day in found)
                    verdicts[day] = found.get(day, IT_IS_SO) if is_judged else nothing
        for when in sorted(verdicts, key=lambda day: verdicts[day].gravity):  # the UI's badge shows the last one
            yield verdicts[when].evaluation(check.key, when)
        yield dg.Output(None, check.get_python_identifier())

    return judged


def snapshot_check(
    claim: str,
    asset: dg.AssetKey,
    judge: Callable[[Warehouse], Verdict | None],
    *,
    source: Source | tuple[Source, ...],
    description: str,
    pull: str | tuple[str, ...],
    also_reads: Sequence[dg.AssetKey] = (),
    is_optional: bool = False,
    asks: Callable[[Any], object] | None = None,
) -> dg.AssetChecksDefinition:
    """A check without days: one verdict a run; None if there is nothing to judge. `asks` is put to the source itself
    first: whatever it cannot answer is the verdict.
    """
    sources = source if isinstance(source, tuple) else (source,)
    pulls = pull if isinstance(pull, tuple) else (pull,)
    check = dg.AssetCheckSpec(claim, asset=asset, description=description, additional_deps=list(also_reads))

    @dg.multi_asset_check(
        name=f"check__{asset.path[-1]}__{claim}",
        specs=[check],
        pool=POOL,
        required_resource_keys={"warehouse", *(one.resource for one in sources)},
    )
    @in_plain_words
    @a_failed_result_at_worst(check, has_days=False)
    def judged(context: dg.AssetCheckExecutionContext) -> Verdicts:
        warehouse: Warehouse = context.resources.warehouse
        try:
            for one in sources:
                if asks and _is_configured(context, one):
                    asks(getattr(context.resources, one.resource))
        except AiUsageError as error:
            verdict: Verdict | None = Verdict.error(str(error))
        else:
            with warehouse.connected():
                verdict = judge(warehouse)
        is_wanted = any(_is_configured(context, one) for one in sources) and not is_optional
        nothing = unseen(pulls, is_wanted=is_wanted)
        yield (verdict or nothing).evaluation(check.key, None)
        yield dg.Output(None, check.get_python_identifier())

    return judged


def _is_configured(context: dg.AssetCheckExecutionContext, source: Source) -> bool:
    return getattr(context.resources, source.resource) is not None


def unseen(pulls: Sequence[str], *, is_wanted: bool) -> Verdict:
    """The verdict where there is nothing to judge: red, unless the source is not configured or the key may not."""
    never = f"raw/{', raw/'.join(pulls)}"
    if is_wanted:
        return Verdict.error(f"{NOTHING_TO_JUDGE}: not all pulled: {never}.")
    return Verdict.right(f"{NOTHING_TO_JUDGE}: not configured, or not open to this key: {never}.")


def span_of_check(context: dg.AssetCheckExecutionContext, pulled: Collection[date]) -> Span | None:
    """The days of the run; run alone, from the first day ever pulled to the last. None if there is none."""
    tags = context.run.tags
    if RANGE_START in tags:
        return Span(date.fromisoformat(tags[RANGE_START]), date.fromisoformat(tags[RANGE_END]))
    if ONE_PARTITION in tags:
        day = date.fromisoformat(tags[ONE_PARTITION])
        return Span(day, day)
    return Span(min(pulled), max(pulled)) if pulled else None


def wrong_rows(warehouse: Warehouse, claim: str, span: Span, **more: Any) -> dict[date, list[dict[str, Any]]]:
    """The rows of `sql/checks/<claim>.sql`, by day."""
    rows = warehouse.query(f"checks/{claim}", first_day=span.first, last_day=span.last, **more)
    return by_day(rows)


def some(names: Iterable[object], *, at_most: int = 5, between: str = ", ") -> str:
    """A few of many, for a sentence."""
    shown = [str(name) for name in names]
    rest = len(shown) - at_most
    return between.join(shown[:at_most]) + (f" and {rest} more" if rest > 0 else "")


def by_day(rows: pl.DataFrame) -> dict[date, list[dict[str, Any]]]:
    found: dict[date, list[dict[str, Any]]] = {}
    for row in rows.to_dicts():
        found.setdefault(row.pop("activity_date"), []).append(row)
    return found
