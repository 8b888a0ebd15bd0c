"""How a check is judged day by day: a result for each day of the run, stored under that day in a range run too.

`@dg.asset_check` stores one evaluation for a whole range; a `multi_asset_check` may yield one a day. Run alone, a check
has no partitions: it then judges every day ever pulled. A check with nothing to judge has not passed: it stores no
evaluation and says why, see `results`. It is not judged where no provider was asked about the day, where the source is
not configured or not open to the key, and, of a check about now, where the run is of days long past. A day that its own
run was to pull and did not, or that was pulled in part, has failed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.checks.events import EVENTS_IN_TABLE, TITLE, Sightings, keep_events, note_sightings
from ai_usage.checks.results import observation, step_name
from ai_usage.errors import AiUsageError, WarehouseError, interruption
from ai_usage.ingest.ledger_writes import Source
from ai_usage.layers import explained, in_plain_words, pool_of_check, reason
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage.warehouse.port import Warehouse

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
DAYS_AT_ONCE = 31  # bounds memory, whatever the range
ROWS_SHOWN = 20  # of a result
NEVER_PULLED = "Never pulled"  # how the result of a day begins whose pull is missing: the check itself found nothing
COULD_NOT_RUN = "The check could not run"  # how its result begins where it raised an error
PRESENT = timedelta(days=3)  # a run whose last day is older is one of the past: it pulled nothing new of now

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
    def events(self) -> Rows:
        """The rows that alerts send one by one."""
        return [row for row in self.rows if TITLE in row]

    @property
    def gravity(self) -> int:
        return 0 if self.passed else 1 if self.severity == WARN else 2

    def evaluation(self, key: dg.AssetCheckKey, day: date | None) -> dg.AssetCheckEvaluation:
        metadata: dict[str, Any] = {}
        if self.rows:
            shown = [dg.TableRecord({k: _shown(v) for k, v in row.items()}) for row in self.rows[:ROWS_SHOWN]]
            metadata = {"rows": dg.MetadataValue.table(shown)}
            if len(self.rows) > ROWS_SHOWN:
                metadata["more_rows"] = f"{len(self.rows) - ROWS_SHOWN} more are not shown"
            if self.events:
                metadata[EVENTS_IN_TABLE] = len(self.events)
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


@dataclass(frozen=True)
class NotJudged:
    """That there is nothing to judge, and why: neither passed nor failed."""

    why: str


IT_IS_SO = Verdict.right("It is so.")

Finding = Verdict | NotJudged
Judge = Callable[[Warehouse, Span], Mapping[date, Finding]]
Verdicts = Iterator[dg.AssetCheckEvaluation | dg.AssetObservation | dg.Output[None]]


def stored(check: dg.AssetCheckSpec, findings: Mapping[date | None, Finding]) -> Verdicts:
    """What a check's step yields: an evaluation for each result, one observation for what is not judged."""
    judged = [(day, found) for day, found in findings.items() if isinstance(found, Verdict)]
    for day, found in sorted(judged, key=lambda one: one[1].gravity):  # the UI's badge shows the last one
        yield found.evaluation(check.key, day)
    if whys := {day: found.why for day, found in findings.items() if isinstance(found, NotJudged)}:
        yield observation(check.key, whys)
    yield dg.Output(None, check.get_python_identifier())


def stored_with_events(
    check: dg.AssetCheckSpec, findings: Mapping[date | None, Finding], warehouse: Warehouse
) -> Verdicts:
    """The same, with the events of the results kept in the warehouse."""
    results = [(day, found) for day, found in findings.items() if isinstance(found, Verdict)]
    rows = [(day, "warned" if one.severity == WARN else "failed", row) for day, one in results for row in one.events]
    keep_events(warehouse, check.key, rows)
    yield from stored(check, findings)


def daily_check(  # noqa: PLR0913 - a declaration, by name
    claim: str,
    asset: dg.AssetKey,
    judge: Judge,
    *,
    source: Source | tuple[Source, ...],
    description: str,
    relies_on: Sequence[str],
    asked_by: Sequence[str] = (),
    also_reads: Sequence[dg.AssetKey] = (),
    holds_its_day: bool = False,
    is_optional: bool = False,
) -> dg.AssetChecksDefinition:
    """A check of one asset, judged each day. `judge` gives the results that differ from `It is so.` A day is judged
    where its `relies_on` pulls were made; of several sources, one pull is enough. A day that the provider was asked
    about, by any of these or of `asked_by`, and that lacks one of them has failed, unless the pulls are optional. With
    `asked_by`, optional pulls are so until the provider answers one of them once.

    `holds_its_day` makes what is downstream wait for the check. Its results do not block the run: which days go on is
    `core.holding`'s decision, day by day.
    """
    sources = source if isinstance(source, tuple) else (source,)
    are_enough = any if len(sources) > 1 else all
    check = dg.AssetCheckSpec(
        claim, asset=asset, description=description, additional_deps=list(also_reads), blocking=holds_its_day
    )

    @dg.multi_asset_check(
        name=step_name(check.key),
        specs=[check],
        pool=pool_of_check(asset),
        required_resource_keys={"warehouse", *(one.resource for one in sources)},
    )
    @in_plain_words
    def judged(context: dg.AssetCheckExecutionContext) -> Verdicts:
        warehouse: Warehouse = context.resources.warehouse
        with warehouse.connected():
            pulled = {pull: set(warehouse.pulled_days(pull)) for pull in (*relies_on, *asked_by)}
            may_lack = is_optional and not (asked_by and any(pulled[pull] for pull in relies_on))
            missing = Missing.of(context, sources, relies_on, is_optional=may_lack)
            span = span_of_check(context, set().union(*(pulled[pull] for pull in relies_on)))
            findings: dict[date | None, Finding] = {} if span else {None: missing.finding(was_asked=False)}
            for some_days in span.cut(at_most=DAYS_AT_ONCE) if span else ():
                found = _judged_by_day(context, warehouse, judge, some_days)
                for day in some_days.days:
                    if are_enough(day in pulled[pull] for pull in relies_on):
                        findings[day] = found.get(day, IT_IS_SO)
                    else:
                        lacking = missing.finding(was_asked=any(day in days for days in pulled.values()))
                        findings[day] = found.get(day, lacking) if isinstance(lacking, Verdict) else lacking
        yield from stored_with_events(check, findings, warehouse)

    return judged


def snapshot_check(  # noqa: PLR0913 - a declaration, by name
    claim: str,
    asset: dg.AssetKey,
    judge: Callable[[Warehouse], Finding | None],
    *,
    source: Source | tuple[Source, ...],
    description: str,
    pull: str | tuple[str, ...],
    also_reads: Sequence[dg.AssetKey] = (),
    is_optional: bool = False,
    is_about_now: bool = False,
    asks: Callable[[Any], object] | None = None,
) -> dg.AssetChecksDefinition:
    """A check without days: one result a run; None where nothing was pulled. What `is_about_now` is not judged in a run
    of days long past. `asks` is put to the source itself first: whatever it cannot answer is the result.
    """
    sources = source if isinstance(source, tuple) else (source,)
    pulls = pull if isinstance(pull, tuple) else (pull,)
    check = dg.AssetCheckSpec(claim, asset=asset, description=description, additional_deps=list(also_reads))

    @dg.multi_asset_check(
        name=step_name(check.key),
        specs=[check],
        pool=pool_of_check(asset),
        required_resource_keys={"warehouse", *(one.resource for one in sources)},
    )
    @in_plain_words
    def judged(context: dg.AssetCheckExecutionContext) -> Verdicts:
        warehouse: Warehouse = context.resources.warehouse
        missing = Missing.of(context, sources, pulls, is_optional=is_optional)
        finding: Finding | None = of_the_past(context) if is_about_now and missing.configured else None
        if finding is None:
            try:
                for one in sources:
                    if asks and _is_configured(context, one):
                        asks(getattr(context.resources, one.resource))
            except AiUsageError as error:
                finding = Verdict.error(str(error))
            else:
                with warehouse.connected():
                    finding = judged_or_failed(context, lambda: judge(warehouse))
        yield from stored_with_events(check, {None: finding or missing.finding(was_asked=False)}, warehouse)

    return judged


Look = Callable[[Warehouse, Span | None, Sightings], None]


def sighting_check(
    claim: str,
    asset: dg.AssetKey,
    look: Look,
    *,
    source: Source,
    description: str,
    warning: str,
    pulls: Sequence[str],
    is_daily: bool = True,
    is_optional: bool = False,
) -> dg.AssetChecksDefinition:
    """A check of all days of a run together: one warning for the run, with a row for each thing that `look` saw. The
    same thing on more days is the same row. Of pulls without days, `look` gets no span.
    """
    check = dg.AssetCheckSpec(claim, asset=asset, description=description)

    @dg.multi_asset_check(
        name=step_name(check.key),
        specs=[check],
        pool=pool_of_check(asset),
        required_resource_keys={"warehouse", source.resource},
    )
    @in_plain_words
    def judged(context: dg.AssetCheckExecutionContext) -> Verdicts:
        warehouse: Warehouse = context.resources.warehouse
        missing = Missing.of(context, (source,), pulls, is_optional=is_optional)

        def sighted() -> Verdict | None:
            sightings = Sightings()
            pulled = set.intersection(*(set(warehouse.pulled_days(pull)) for pull in pulls))
            span = span_of_check(context, pulled) if is_daily else None
            for some_days in span.cut(at_most=DAYS_AT_ONCE) if span else () if is_daily else (None,):
                look(warehouse, some_days, sightings)
            return judge_sightings(warehouse, check.key, sightings, warning) if sightings.seen else None

        with warehouse.connected():
            finding = judged_or_failed(context, sighted)
        yield from stored_with_events(check, {None: finding or missing.finding(was_asked=False)}, warehouse)

    return judged


def judge_sightings(warehouse: Warehouse, check: dg.AssetCheckKey, sightings: Sightings, warning: str) -> Verdict:
    """One result for all that was seen, what is in most records first."""
    found = note_sightings(warehouse, check, sightings)
    if not found:
        return Verdict.right(f"Nothing unknown in {sightings.records} records.")
    return Verdict.warning(f"{warning}: {some(found, at_most=20, between='; ')}.", [one.row(check) for one in found])


@dataclass(frozen=True)
class Missing:
    """What a check comes to where its pulls were not made."""

    never: str  # the pulls
    configured: bool
    is_optional: bool
    was_to_pull: bool  # whether this run was to make one of them
    not_configured: str

    @classmethod
    def of(
        cls,
        context: dg.AssetCheckExecutionContext,
        sources: Sequence[Source],
        pulls: Sequence[str],
        *,
        is_optional: bool,
    ) -> "Missing":
        selected = context.job_def.asset_layer.selected_asset_keys
        return cls(
            never=", ".join(f"raw/{pull}" for pull in pulls),
            configured=any(_is_configured(context, one) for one in sources),
            is_optional=is_optional,
            was_to_pull=any(dg.AssetKey(["raw", pull]) in selected for pull in pulls),
            not_configured=f"Not configured: {' and '.join(one.key_variable for one in sources)} "
            f"{'is' if len(sources) == 1 else 'are'} not set.",
        )

    def finding(self, *, was_asked: bool) -> Finding:
        """`was_asked`: whether the provider was asked about this day at all."""
        if not self.configured:
            return NotJudged(self.not_configured)
        if self.is_optional:
            return NotJudged(
                f"Optional, and never pulled: {self.never}. The plan, the key's scope or the sheet lacks it."
            )
        if was_asked or self.was_to_pull:
            return Verdict.error(f"{NEVER_PULLED}: {self.never}.")
        return NotJudged(f"No provider was asked: {self.never} was never pulled.")


def _judged_by_day(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse, judge: Judge, span: Span
) -> Mapping[date, Finding]:
    """The judgement. Where it raises an error its days are judged one by one: those on which it raises one have failed,
    since a check that cannot run has not passed, and stops nothing but itself. An unusable warehouse stops the run.
    """
    try:
        return judge(warehouse, span)
    except WarehouseError:
        raise
    except Exception as error:  # DESIGN 3.5, whatever the error is
        if interruption(error):
            raise
        if span.first == span.last:
            return {span.first: _could_not_run(context, error)}
    found: dict[date, Finding] = {}
    for day in span.days:
        found |= _judged_by_day(context, warehouse, judge, Span(day, day))
    return found


def judged_or_failed(context: dg.AssetCheckExecutionContext, judge: Callable[[], Finding | None]) -> Finding | None:
    try:
        return judge()
    except WarehouseError:
        raise
    except Exception as error:  # DESIGN 3.5, whatever the error is
        if interruption(error):
            raise
        return _could_not_run(context, error)


def _could_not_run(context: dg.AssetCheckExecutionContext, error: Exception) -> Verdict:
    context.log.error("%s: %s", COULD_NOT_RUN, explained(error))
    return Verdict.error(f"{COULD_NOT_RUN}: {reason(error)}")


def _is_configured(context: dg.AssetCheckExecutionContext, source: Source) -> bool:
    return getattr(context.resources, source.resource) is not None


def of_the_past(context: dg.AssetCheckExecutionContext) -> NotJudged | None:
    """Why a check about now is not judged in this run, if its days do not reach the present."""
    span = span_of_check(context, ())
    if span is None or settings().now().date() - span.last <= PRESENT:
        return None
    return NotJudged(f"It is about now, and this run is of {span}.")


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
