"""Turns declarations into Dagster checks: a result for each day of the run, stored under that day also in a range run.

`@dg.asset_check` stores one evaluation for a whole range; a `multi_asset_check` may yield one per day. Run alone, a
check has no partitions: it then evaluates every day ever pulled. A check with nothing to evaluate has not passed: it
stores no evaluation, and its reason is in an observation, see `results`. A check is not evaluated if no provider was
asked about the day, if the source is not configured or the key lacks access, and, for a check about now, if the run is
of days long past. A day that its run should have pulled but did not, or that was pulled in part, has failed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import dagster as dg

from ai_usage.check import (
    ALERTS_BY_ROW,
    GRAVITY,
    PASSED,
    Check,
    DailyCheck,
    Finding,
    NotEvaluated,
    Result,
    Rows,
    RunCheck,
    Sightings,
    SnapshotCheck,
    failed,
    warned,
)
from ai_usage.checks.accounts import with_account
from ai_usage.checks.alert_events import EVENTS_IN_TABLE, keep_events
from ai_usage.checks.missing import Missing, client_of, of_the_past, span_of_check
from ai_usage.checks.results import blocking_step_name, observation, step_name
from ai_usage.checks.sightings import evaluate_sightings
from ai_usage.errors import AiUsageError, WarehouseError, interruption
from ai_usage.layers import explained, in_plain_words, pool_of_check, reason
from ai_usage.marts.assets import through_views
from ai_usage.marts.gate import blocked_accounts, by_day
from ai_usage.partitions import Span
from ai_usage.providers.registry import BY_KEY
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.present_step import working_on

DAYS_AT_ONCE = 31  # bounds memory, whatever the range
ROWS_SHOWN = 20  # of a result
COULD_NOT_RUN = "The check could not run"  # the start of its result if it raised an error

Events = Iterator[dg.AssetCheckEvaluation | dg.AssetObservation | dg.Output[None]]


def dagster_checks(checks: Iterable[Check]) -> list[dg.AssetChecksDefinition]:
    """The checks as Dagster runs them. Those of one table are one step, because each step takes Dagster several
    milliseconds; the checks that can block its days are another. A run may leave out some checks of a step.
    """
    together: dict[str, list[Check]] = {}
    for check in checks:
        together.setdefault(step_of(check), []).append(check)
    return [_step(name, tuple(of_step)) for name, of_step in together.items()]


def step_of(check: Check) -> str:
    """The name of a check's step."""
    return blocking_step_name(check.key.asset_key) if check.gates_day else step_name(check.key.asset_key)


@cache
def _step(name: str, checks: tuple[Check, ...]) -> dg.AssetChecksDefinition:
    """`blocking` makes downstream steps in Dagster wait for the checks. Their results do not stop the run: `marts.gate`
    decides day by day which days go on.
    """
    specs = {check.key: _spec(check) for check in checks}

    @dg.multi_asset_check(
        name=name,
        specs=list(specs.values()),
        can_subset=True,
        pool=pool_of_check(checks[0].key.asset_key),
        required_resource_keys={"warehouse", *(source.resource for check in checks for source in check.sources)},
    )
    @in_plain_words
    def evaluated(context: dg.AssetCheckExecutionContext) -> Events:
        warehouse: Warehouse = context.resources.warehouse
        for check in checks:
            if check.key in context.selected_asset_check_keys:
                with working_on(f"check/{check.name}"):
                    findings = _findings(check, context, warehouse)
                yield from stored(specs[check.key], findings)

    return evaluated


def _spec(check: Check) -> dg.AssetCheckSpec:
    also_reads = {tuple(address.split("/")) for address in check.also_reads}
    also_reads |= through_views(name for layer, name in also_reads if layer == "marts")
    return dg.AssetCheckSpec(
        check.name,
        asset=check.key.asset_key,
        description=check.description,
        additional_deps=[dg.AssetKey(address) for address in sorted(also_reads - {tuple(check.key.asset_key.path)})],
        blocking=check.gates_day,
    )


def _findings(
    check: Check, context: dg.AssetCheckExecutionContext, warehouse: Warehouse
) -> Mapping[date | None, Finding]:
    """The findings of a check. Whatever goes wrong in it fails this check only, and not the others of its step."""
    try:
        findings = _evaluate(check, context, warehouse)
        if check.provider:
            findings = with_account(findings, warehouse, check.pulls)
        keep_events(warehouse, check.key, findings)
    except WarehouseError:
        raise
    except Exception as error:  # DESIGN 3.5, whatever the error is
        if interruption(error):
            raise
        return {None: _could_not_run(context, error)}
    return findings


def _evaluate(
    check: Check, context: dg.AssetCheckExecutionContext, warehouse: Warehouse
) -> Mapping[date | None, Finding]:
    missing = Missing.of(context, check.sources, check.pulls, is_optional=check.is_optional)
    match check:
        case DailyCheck():
            return _by_day(check, context, warehouse, missing)
        case SnapshotCheck():
            return _of_snapshot(check, context, warehouse, missing)
        case RunCheck():
            return _of_run(check, context, warehouse, missing)
    raise TypeError(f"no kind of check: {check}")


def stored(check: dg.AssetCheckSpec, findings: Mapping[date | None, Finding]) -> Events:
    """The events of a check's step: an evaluation for each result, one observation for what is not evaluated."""
    results = [(day, found) for day, found in findings.items() if isinstance(found, Result)]
    for day, found in sorted(results, key=lambda one: GRAVITY[one[1].status]):  # the UI's badge shows the last one
        yield evaluation(check.key, day, found)
    if whys := {day: found.why for day, found in findings.items() if isinstance(found, NotEvaluated)}:
        yield observation(check.key, whys)
    yield dg.Output(None, check.get_python_identifier())


def evaluation(key: dg.AssetCheckKey, day: date | None, result: Result) -> dg.AssetCheckEvaluation:
    """A result as Dagster stores it, with some of its rows."""
    metadata: dict[str, Any] = {}
    if result.rows:
        shown = [dg.TableRecord({k: _shown(v) for k, v in row.items()}) for row in result.rows[:ROWS_SHOWN]]
        metadata = {"rows": dg.MetadataValue.table(shown)}
        if len(result.rows) > ROWS_SHOWN:
            metadata["more_rows"] = f"{len(result.rows) - ROWS_SHOWN} more are not shown"
        if count := sum(ALERTS_BY_ROW in row for row in result.rows):
            metadata[EVENTS_IN_TABLE] = count
    return dg.AssetCheckEvaluation(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.passed,
        severity=result.severity,
        description=f"{day}: {result.why}" if day else result.why,  # the UI's history names no partition
        metadata=metadata,
        partition=day.isoformat() if day else None,
    )


def _shown(value: object) -> str | int:
    """A cell of the rows; money keeps every digit that counts."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value if isinstance(value, int) else "null" if value is None else str(value)


def _by_day(
    check: DailyCheck, context: dg.AssetCheckExecutionContext, warehouse: Warehouse, missing: Missing
) -> Mapping[date | None, Finding]:
    are_enough = any if len(check.sources) > 1 else all
    with warehouse.connected():
        pulled = {pull: set(warehouse.pulled_days(pull)) for pull in (*check.pulls, *check.asked_by)}
        if check.asked_by and any(pulled[pull] for pull in check.pulls):
            missing = Missing.of(context, check.sources, check.pulls, is_optional=False)
        needed = [pull for pull in check.pulls if pull not in check.optional_pulls]
        known = set().union(*(pulled[pull] for pull in check.pulls))
        begin = min(known) if known and check.is_optional else date.min
        span = span_of_check(context, known)
        findings: dict[date | None, Finding] = {} if span else {None: missing.finding(was_asked=False)}
        for some_days in span.cut(at_most=warehouse.days_at_once(DAYS_AT_ONCE)) if span else ():
            found = _evaluated(context, warehouse, check, some_days)
            for day in some_days.days:
                if are_enough(day in pulled[pull] for pull in needed):
                    findings[day] = found.get(day, PASSED)
                elif day < begin:
                    findings[day] = NotEvaluated(f"Optional, and never pulled for a day before {begin}.")
                else:
                    of_day = missing.finding(
                        was_asked=any(day in days for days in pulled.values()),
                        lacking=[pull for pull in needed if day not in pulled[pull]],
                    )
                    findings[day] = found.get(day, of_day) if isinstance(of_day, Result) else of_day
    return findings


def _of_snapshot(
    check: SnapshotCheck, context: dg.AssetCheckExecutionContext, warehouse: Warehouse, missing: Missing
) -> Mapping[date | None, Finding]:
    finding: Finding | None = of_the_past(context) if check.is_about_now and missing.configured else None
    if finding is None:
        try:
            arguments = _answers(context, check)
        except AiUsageError as error:
            finding = failed(str(error))
        else:
            with warehouse.connected():
                finding = evaluated_or_failed(context, check, lambda: check.evaluate(warehouse, *arguments))
    return {None: finding or missing.finding(was_asked=False)}


def _answers(context: dg.AssetCheckExecutionContext, check: SnapshotCheck) -> list[object]:
    if not check.asks:
        return []
    clients = [client_of(context, source) for source in check.sources]
    return [client if client is None else check.asks(client) for client in clients]


def _of_run(
    check: RunCheck, context: dg.AssetCheckExecutionContext, warehouse: Warehouse, missing: Missing
) -> Mapping[date | None, Finding]:
    def sighted() -> Result | None:
        sightings = Sightings()
        pulled = set.intersection(*(set(warehouse.pulled_days(pull)) for pull in check.pulls))
        span = span_of_check(context, pulled) if check.is_daily else None
        for some_days in span.cut(at_most=DAYS_AT_ONCE) if span else () if check.is_daily else (None,):
            check.look(warehouse, some_days, sightings)
        return evaluate_sightings(warehouse, check.key, sightings, check.warning) if sightings.seen else None

    with warehouse.connected():
        finding = evaluated_or_failed(context, check, sighted)
    return {None: finding or missing.finding(was_asked=False)}


def _evaluated(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse, check: DailyCheck, span: Span
) -> Mapping[date, Finding]:
    """The findings of some days. If the evaluation raises an error, the days are evaluated one by one: those that raise
    again have failed, since a check that cannot run has not passed. Other checks go on. An unusable warehouse stops the
    run.
    """
    try:
        found = {day: check.within_severity(one) for day, one in check.evaluate(warehouse, span).items()}
        return unless_blocked(warehouse, span, found, check.provider) if check.compares_marts else found
    except WarehouseError:
        raise
    except Exception as error:  # DESIGN 3.5, whatever the error is
        if interruption(error):
            raise
        if span.first == span.last:
            return {span.first: _could_not_run(context, error)}
    return {day: of for one in span.days for day, of in _evaluated(context, warehouse, check, Span(one, one)).items()}


def unless_blocked(
    warehouse: Warehouse, span: Span, found: Mapping[date, Finding], provider: str
) -> Mapping[date, Finding]:
    """The findings, at most warned if all their rows are of accounts for which the day is blocked: there the marts keep
    their last good version, so they must differ.
    """
    blocked = blocked_accounts(warehouse, span, BY_KEY[provider].gate) if found else {}
    checks = by_day(blocked)
    return {
        day: warned(f"The day is blocked by {', '.join(checks[day])}, so the marts lag: {finding.why}", finding.rows)
        if day in blocked and isinstance(finding, Result) and _all_lag(finding.rows, blocked[day])
        else finding
        for day, finding in found.items()
    }


def _all_lag(rows: Rows, blocked: Collection[str | None]) -> bool:
    return None in blocked or all(row.get("account") in {None, *blocked} for row in rows)


def evaluated_or_failed(
    context: dg.AssetCheckExecutionContext, check: Check, evaluate: Callable[[], Finding | None]
) -> Finding | None:
    try:
        return check.within_severity(evaluate())
    except WarehouseError:
        raise
    except Exception as error:  # DESIGN 3.5, whatever the error is
        if interruption(error):
            raise
        return _could_not_run(context, error)


def _could_not_run(context: dg.AssetCheckExecutionContext, error: Exception) -> Result:
    context.log.error("%s: %s", COULD_NOT_RUN, explained(error))
    return failed(f"{COULD_NOT_RUN}: {reason(error)}")
