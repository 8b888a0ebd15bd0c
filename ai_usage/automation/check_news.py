"""What the checks have to report: a result worse than the one reported before for its check and day, or passed again.

Of results whose rows are reported one by one, such as budgets, spikes and unknown fields, each row is reported once, by
its `alert_key`, and never again: they are events, and nothing of them is set right. A check that is not judged has no
evaluation: it neither alerts nor resolves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import dagster as dg
import msgspec
from dagster._core.event_api import EventLogRecord

from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox, Standing
from ai_usage.automation import event_queries
from ai_usage.check import ALERTS_BY_ROW
from ai_usage.checks.missing import NEVER_PULLED

KIND = dg.DagsterEventType.ASSET_CHECK_EVALUATION
SOURCE, SUBJECTS = "checks", "check "
AT_MOST = 20_000  # evaluations a tick reads: some seconds' work

EVENTS_OF = timedelta(days=14)  # older days' events are history, not news

UNSEEN = "never_pulled"  # of whatever check: the trouble is another

SEVERITIES = {0: Severity.RESOLVED, 1: Severity.WARNING, 2: Severity.FAILED}


class Subject(msgspec.Struct, frozen=True, array_like=True):
    """One check of one asset on one day; a snapshot's check has no day."""

    asset: str
    claim: str
    day: str

    def __str__(self) -> str:
        return SUBJECTS + msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str) -> "Subject":
        return msgspec.json.decode(text.removeprefix(SUBJECTS), type=cls)


@dataclass(frozen=True)
class Judged:
    """An evaluation: its number, and how it left its subject; or the events its rows are."""

    event_id: int
    subject: Subject
    gravity: int
    why: str
    events: Sequence[News] = ()


def news_of_checks(
    instance: dg.DagsterInstance, outbox: Outbox, ui_url: str, today: date
) -> Callable[[Memory], list[News]]:
    """Reads the evaluations since the last look. As long as there are more to read no verdict is told: what is red in
    one of them may be green in the next.
    """
    last = event_queries.newest(instance, KIND)
    with outbox.transaction() as memory:
        if memory.cursor(SOURCE) > last:  # another instance's log, or an emptied one
            memory.forget_events(SOURCE, SUBJECTS)
        cursor = memory.cursor(SOURCE)
    records = list(event_queries.after(instance, KIND, cursor, AT_MOST)) if cursor < last else []
    judged = [_judged(record, outbox.redaction, ui_url, today - EVENTS_OF) for record in records]
    return lambda memory: list(_found(memory, judged, last, ui_url))


def _found(memory: Memory, judged: Sequence[Judged], last: int, ui_url: str) -> Iterator[News]:
    for one in judged:
        memory.saw(str(one.subject), event_id=one.event_id, gravity=one.gravity, said=one.why)
        yield from one.events
    if judged:
        memory.move(SOURCE, max(memory.cursor(SOURCE), judged[-1].event_id))
    if memory.cursor(SOURCE) < last:
        return
    for standing in memory.standings(SUBJECTS):
        if standing.is_news:
            memory.tell(standing)
            yield _news(standing, ui_url)


def _judged(record: EventLogRecord, redact: Callable[[str], str], ui_url: str, since: date) -> Judged:
    event = record.event_log_entry.get_dagster_event()
    evaluation = event.asset_check_evaluation_data
    day, why = evaluation.partition or "", evaluation.description or ""
    gravity = 0 if evaluation.passed else 1 if evaluation.severity == dg.AssetCheckSeverity.WARN else 2
    subject = Subject(evaluation.asset_key.to_user_string(), evaluation.check_name, day)
    table = evaluation.metadata.get("rows")
    rows = [row.data for row in table.records] if isinstance(table, dg.TableMetadataValue) else []
    if not any(ALERTS_BY_ROW in row for row in rows):
        why = redact(why.removeprefix(f"{day}: ")) if gravity else ""
        return Judged(record.storage_id, subject, gravity, why)
    of_day = date.fromisoformat(day) if day else None
    is_news = of_day is None or of_day >= since
    told = [row for row in rows if row[ALERTS_BY_ROW]] if is_news else []
    events = [_event(row, subject, of_day, gravity, redact, ui_url) for row in told]
    return Judged(record.storage_id, subject, 0, "", events)


def _event(
    row: Mapping[str, Any],
    subject: Subject,
    day: date | None,
    gravity: int,
    redact: Callable[[str], str],
    ui_url: str,
) -> News:
    is_failure = row["severity"] == dg.AssetCheckSeverity.ERROR.value if "severity" in row else gravity > 1
    return News(
        key=redact(str(row["alert_key"])),
        severity=Severity.FAILED if is_failure else Severity.WARNING,
        title=f"{subject.claim}: {row[ALERTS_BY_ROW]}",
        topic=subject.claim,
        text=str(row["said"]),
        day=day,
        link=check_page(ui_url, subject.asset, subject.claim),
    )


def _news(standing: Standing, ui_url: str) -> News:
    subject = Subject.read(standing.subject)
    return News(
        key=f"{standing.subject} {standing.event_id}",
        severity=SEVERITIES[standing.gravity],
        title=f"{subject.claim} of {subject.asset}",
        topic=UNSEEN if standing.said.startswith(f"{NEVER_PULLED}:") else subject.claim,
        text=(standing.said or "No reason is given.") if standing.gravity else "It passed again.",
        day=date.fromisoformat(subject.day) if subject.day else None,
        link=check_page(ui_url, subject.asset, subject.claim),
    )


def check_page(ui_url: str, asset: str, claim: str) -> str:
    """Where the UI shows a check of an asset."""
    path = "/".join(quote(part, safe="") for part in asset.split("/"))
    return f"{ui_url}/assets/{path}?view=checks&checkDetail={quote(claim, safe='')}"
