"""News of checks: a result that is worse than the one last reported for its check and day, or passed again.

A result with events (budgets, spikes, unknown fields) is reported by these alone, see `event_news`: it neither alerts
nor resolves by itself. Nor does a check that is not evaluated.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

import dagster as dg
import msgspec
from dagster._core.event_api import EventLogRecord

from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox, Standing
from ai_usage.automation import event_queries
from ai_usage.checks.accounts import NEVER_PULLED
from ai_usage.checks.alert_events import EVENTS_IN_TABLE
from ai_usage.checks.people import sheet_rows_are_valid
from ai_usage.checks.sheet import KEY as SHEET_CAN_BE_READ
from ai_usage.checks.sheet import tabs_at_fault

KIND = dg.DagsterEventType.ASSET_CHECK_EVALUATION
SOURCE, SUBJECTS = "checks", "check "
AT_MOST = 20_000  # evaluations a tick reads: some seconds' work

OF_THE_SHEET = {SHEET_CAN_BE_READ.name, sheet_rows_are_valid.name}
UNSEEN = "never_pulled"  # for every check: its cause is another trouble

SEVERITIES = {0: Severity.RESOLVED, 1: Severity.WARNING, 2: Severity.FAILED}


class Subject(msgspec.Struct, frozen=True, array_like=True):
    """One check of one asset on one day; a snapshot's check has no day."""

    asset: str
    check: str
    day: str

    def __str__(self) -> str:
        return SUBJECTS + msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str) -> "Subject":
        return msgspec.json.decode(text.removeprefix(SUBJECTS), type=cls)


@dataclass(frozen=True)
class Evaluated:
    """An evaluation: its number, and the result for its subject."""

    event_id: int
    subject: Subject
    gravity: int
    why: str


def news_of_checks(instance: dg.DagsterInstance, outbox: Outbox, ui_url: str) -> Callable[[Memory], list[News]]:
    """Reads the evaluations since the last tick. Reports no result while there are more to read: what failed in one may
    have passed in the next.
    """
    last = event_queries.newest(instance, KIND)
    with outbox.transaction() as memory:
        if memory.cursor(SOURCE) > last:  # another instance's log, or an emptied one
            memory.forget_events(SOURCE, SUBJECTS)
        cursor = memory.cursor(SOURCE)
    records = list(event_queries.after(instance, KIND, cursor, AT_MOST)) if cursor < last else []
    evaluated = [_evaluated(record, outbox.redaction) for record in records]
    return lambda memory: list(_found(memory, evaluated, last, ui_url))


def _found(memory: Memory, evaluated: Sequence[Evaluated], last: int, ui_url: str) -> Iterator[News]:
    for one in evaluated:
        memory.saw(str(one.subject), event_id=one.event_id, gravity=one.gravity, why=one.why)
    if evaluated:
        memory.move(SOURCE, max(memory.cursor(SOURCE), evaluated[-1].event_id))
    if memory.cursor(SOURCE) < last:
        return
    for standing in memory.standings(SUBJECTS):
        if standing.is_news:
            memory.mark_reported(standing)
            yield _news(standing, ui_url)


def _evaluated(record: EventLogRecord, redact: Callable[[str], str]) -> Evaluated:
    event = record.event_log_entry.get_dagster_event()
    evaluation = event.asset_check_evaluation_data
    day, why = evaluation.partition or "", evaluation.description or ""
    gravity = 0 if evaluation.passed else 1 if evaluation.severity == dg.AssetCheckSeverity.WARN else 2
    subject = Subject(evaluation.asset_key.to_user_string(), evaluation.check_name, day)
    if EVENTS_IN_TABLE in evaluation.metadata or not gravity:
        return Evaluated(record.storage_id, subject, 0, "")
    return Evaluated(record.storage_id, subject, gravity, redact(why.removeprefix(f"{day}: ")))


def _news(standing: Standing, ui_url: str) -> News:
    subject = Subject.read(standing.subject)
    return News(
        key=f"{standing.subject} {standing.event_id}",
        severity=SEVERITIES[standing.gravity],
        title=f"{subject.check} of {_thing(subject, standing.why)}",
        topic=UNSEEN if standing.why.startswith(f"{NEVER_PULLED}:") else subject.check,
        text=(standing.why or "No reason is given.") if standing.gravity else "It passed again.",
        day=date.fromisoformat(subject.day) if subject.day else None,
        link=check_page(ui_url, subject.asset, subject.check),
    )


def _thing(subject: Subject, why: str) -> str:
    """The asset. For a check of the whole sheet, the tabs with errors, since its asset is one tab for all."""
    if tabs := tabs_at_fault(why) if subject.check in OF_THE_SHEET else []:
        return f"the sheet's tab{'s' if len(tabs) > 1 else ''} {', '.join(tabs)}"
    return "the sheet" if subject.check in OF_THE_SHEET else subject.asset


def check_page(ui_url: str, asset: str, check: str) -> str:
    """The link to a check of an asset in the UI."""
    path = "/".join(quote(part, safe="") for part in asset.split("/"))
    return f"{ui_url}/assets/{path}?view=checks&checkDetail={quote(check, safe='')}"
