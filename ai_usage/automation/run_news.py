"""Alerts about runs: a run failed and is not retried, a run died, or a later run of the same work succeeded."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
import msgspec
from dagster._core.event_api import EventLogRecord
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox, Standing
from ai_usage.automation import event_queries
from ai_usage.automation.dead_runs import DIED
from ai_usage.automation.refresh import CHAIN
from ai_usage.check import some
from ai_usage.checks.missing import ONE_PARTITION, RANGE_END, RANGE_START
from ai_usage.errors import INTERRUPTIONS

FAILED, SUCCEEDED = dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS
TOPIC = "run_failure"
STOPPED = "It was stopped before its end: by a person, by a signal, or because its terminal was closed."
AT_MOST = 2_000  # runs of a kind that a tick reads
STEPS_READ = 20  # of a failed run
SECONDS_UNTIL_DECIDED = 10  # Dagster notes just after the failure whether it tries again
SECONDS_UNTIL_TRIED_AGAIN = 120  # Dagster may not retry, although it noted that it would: if no step is left to do
OLD = 7 * 86_400  # seconds: a failure before that is history, not news


@dataclass(frozen=True)
class Ending:
    """How a run ended. `failure` is empty unless it failed."""

    event_id: int
    root: str  # the run that this one re-executes, or itself; for runs with a chain tag, the chain or a part of it
    run_id: str
    is_chained: bool
    failure: str = ""

    @property
    def subject(self) -> str:
        return f"run {self.root} {self.run_id}"


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """The job and days of a failed run, and why it failed."""

    job: str
    first: str
    last: str
    why: str


def news_of_runs(instance: dg.DagsterInstance, outbox: Outbox, ui_url: str) -> Callable[[Memory], list[News]]:
    """Reads the runs that ended since the last tick."""
    failed, failed_until = _endings(instance, outbox, FAILED)
    succeeded, succeeded_until = _endings(instance, outbox, SUCCEEDED)

    def found(memory: Memory) -> list[News]:
        for ending in failed:
            memory.saw(_subject(memory, ending), event_id=ending.event_id, gravity=2, why=ending.failure)
        # A run that died is an alert even if another one succeeded before this tick: something kills runs.
        dead = list(_news(memory, ui_url, lambda standing: DIED in standing.why))
        for ending in succeeded:
            for earlier in [*memory.standings(f"run {ending.root} "), *memory.standings(f"run {ending.root}/")]:
                memory.saw(earlier.subject, event_id=ending.event_id, gravity=0, why=earlier.why)
        memory.move(FAILED.value, failed_until)
        memory.move(SUCCEEDED.value, succeeded_until)
        return [*dead, *_news(memory, ui_url)]

    return found


def _subject(memory: Memory, ending: Ending) -> str:
    """The subject under which a chain was already reported as broken, so that it is reported once."""
    broken = [s.subject for s in memory.standings(f"run {ending.root} ") if s.gravity] if ending.is_chained else []
    return next(iter(broken), ending.subject)


def _endings(instance: dg.DagsterInstance, outbox: Outbox, kind: dg.DagsterEventType) -> tuple[list[Ending], int]:
    last = event_queries.newest(instance, kind)
    with outbox.transaction() as memory:
        if memory.cursor(kind.value) > last:  # another instance's log, or an emptied one
            memory.forget_events(kind.value, "run ")
        cursor = memory.cursor(kind.value)
    if cursor == last:
        return [], cursor
    records = list(event_queries.after(instance, kind, cursor, AT_MOST))
    runs = _runs(instance, [record.run_id for record in records])
    found = []
    for record in records:
        run = runs.get(record.run_id)
        age = time.time() - record.timestamp
        died = (record.event_log_entry.message or "").startswith(DIED)  # news even if it is retried
        if run and kind == FAILED and not died and _is_undecided(instance, run, age):
            break
        cursor = max(cursor, record.storage_id)
        if run and not (kind == FAILED and ((AUTO_RETRY_RUN_ID_TAG in run.tags and not died) or age > OLD)):
            failure = _why(instance, run, record, outbox.redaction) if kind == FAILED else ""
            chain = run.tags.get(CHAIN)
            root = chain or run.root_run_id or run.run_id
            found.append(Ending(record.storage_id, root, run.run_id, failure=failure, is_chained=chain is not None))
    return found, cursor


def _is_undecided(instance: dg.DagsterInstance, run: dg.DagsterRun, age: float) -> bool:
    """Whether Dagster may still retry a failed run. It first notes whether it will, then what is left to do."""
    if WILL_RETRY_TAG not in run.tags:
        return instance.run_retries_enabled and age < SECONDS_UNTIL_DECIDED
    return run.is_complete_and_waiting_to_retry and age < SECONDS_UNTIL_TRIED_AGAIN


def _runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> dict[str, dg.DagsterRun]:
    """Those that were not deleted since."""
    chunks = [run_ids[n : n + 500] for n in range(0, len(run_ids), 500)]
    return {run.run_id: run for ids in chunks for run in instance.get_runs(dg.RunsFilter(run_ids=list(ids)))}


def _why(instance: dg.DagsterInstance, run: dg.DagsterRun, record: EventLogRecord, redact: Callable[[str], str]) -> str:
    """What an alert reports about a failure, kept until it is sent: the run may be deleted before."""
    first, last = (run.tags.get(tag, run.tags.get(ONE_PARTITION, "")) for tag in (RANGE_START, RANGE_END))
    steps = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=STEPS_READ).records
    by_cause: dict[str, list[str]] = {}
    for step in steps:
        event = step.event_log_entry.get_dagster_event()
        by_cause.setdefault(_cause(event), []).append((event.step_key or "").replace("__", "/"))
    causes = [f"{some(names)}: {cause}" for cause, names in by_cause.items()]
    message = record.event_log_entry.message
    causes += [message] if causes and message.startswith(DIED) else []  # of a run that died after a step had failed
    why = some(causes, between=" ") or message or "Dagster gives no reason."
    return msgspec.json.encode(Failure(run.job_name, first, last, redact(why))).decode()


def _cause(event: dg.DagsterEvent) -> str:
    """The step's own sentence; of a defect, the innermost error's first line."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error and error.cause:
        error = error.cause
    if error and error.cls_name in INTERRUPTIONS:
        return STOPPED
    return next(iter((error.message if error else "").strip().splitlines()), "unknown")


def _news(memory: Memory, ui_url: str, among: Callable[[Standing], bool] = lambda _: True) -> Iterator[News]:
    """A message per failed run; one message if a re-execution fixed several."""
    made_good: dict[str, Standing] = {}
    for standing in memory.standings("run "):
        if standing.is_news and among(standing):
            memory.mark_reported(standing)
            if standing.gravity:
                yield _one(standing, ui_url)
            else:
                made_good[standing.subject.split()[1]] = standing
    for standing in made_good.values():
        yield _one(standing, ui_url)


def _one(standing: Standing, ui_url: str) -> News:
    failure = msgspec.json.decode(standing.why, type=Failure)
    days = failure.first if failure.first == failure.last else f"{failure.first}…{failure.last}"
    of_days = f"It was to take {days}. " if days else ""
    return News(
        key=f"{standing.subject} {standing.event_id}",
        severity=Severity.FAILED if standing.gravity else Severity.RESOLVED,
        title="run of some assets" if failure.job.startswith("__") else f"run of {failure.job}",
        topic=TOPIC,
        text=f"{of_days}{failure.why}" if standing.gravity else "It was tried again and succeeded.",
        day=_day(failure.first) if failure.first == failure.last else None,
        link=f"{ui_url}/runs/{standing.subject.split()[2]}",
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # a partition of another kind, or none
        return None
