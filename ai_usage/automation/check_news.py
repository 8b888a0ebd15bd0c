"""What the checks have to tell: a verdict that is worse than what was told of its check and day, or green again."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from urllib.parse import quote

import dagster as dg
import msgspec
from dagster._core.event_api import EventLogRecord

from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox, Standing
from ai_usage.automation import event_log
from ai_usage.checks.verdicts import NOTHING_TO_JUDGE

KIND = dg.DagsterEventType.ASSET_CHECK_EVALUATION
SOURCE, SUBJECTS = "checks", "check "
AT_MOST = 20_000  # evaluations a tick reads: some seconds' work

Judged = tuple[int, str, int, str]  # the event's number, subject, gravity, why

UNSEEN = "nothing_to_judge"  # of whatever claim: the trouble is another

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


def news_of_checks(instance: dg.DagsterInstance, outbox: Outbox, ui_url: str) -> Callable[[Memory], list[News]]:
    """Reads the evaluations since the last look. As long as there are more to read nothing is told: what is red in
    one of them may be green in the next.
    """
    last = event_log.newest(instance, KIND)
    with outbox.transaction() as memory:
        if memory.cursor(SOURCE) > last:  # another instance's log, or an emptied one
            memory.forget_events(SOURCE, SUBJECTS)
        cursor = memory.cursor(SOURCE)
    records = list(event_log.after(instance, KIND, cursor, AT_MOST)) if cursor < last else []
    judged = [_judged(record, outbox.discretion) for record in records]
    return lambda memory: list(_found(memory, judged, last, ui_url))


def _found(memory: Memory, judged: Sequence[Judged], last: int, ui_url: str) -> Iterator[News]:
    for event_id, subject, gravity, why in judged:
        memory.saw(subject, event_id=event_id, gravity=gravity, said=why)
    if judged:
        memory.move(SOURCE, max(memory.cursor(SOURCE), judged[-1][0]))
    if memory.cursor(SOURCE) < last:
        return
    for standing in memory.standings(SUBJECTS):
        if standing.is_news:
            memory.tell(standing)
            yield _news(standing, ui_url)


def _judged(record: EventLogRecord, discreet: Callable[[str], str]) -> Judged:
    event = record.event_log_entry.get_dagster_event()
    evaluation = event.asset_check_evaluation_data
    day, why = evaluation.partition or "", evaluation.description or ""
    gravity = 0 if evaluation.passed else 1 if evaluation.severity == dg.AssetCheckSeverity.WARN else 2
    subject = Subject(evaluation.asset_key.to_user_string(), evaluation.check_name, day)
    return record.storage_id, str(subject), gravity, discreet(why.removeprefix(f"{day}: ")) if gravity else ""


def _news(standing: Standing, ui_url: str) -> News:
    subject = Subject.read(standing.subject)
    return News(
        key=f"{standing.subject} {standing.event_id}",
        severity=SEVERITIES[standing.gravity],
        title=f"{subject.claim} of {subject.asset}",
        topic=UNSEEN if standing.said.startswith(f"{NOTHING_TO_JUDGE}:") else subject.claim,
        text=(standing.said or "No reason is given.") if standing.gravity else "It is green again.",
        day=date.fromisoformat(subject.day) if subject.day else None,
        link=check_page(ui_url, subject.asset, subject.claim),
    )


def check_page(ui_url: str, asset: str, claim: str) -> str:
    """Where the UI shows a check of an asset."""
    path = "/".join(quote(part, safe="") for part in asset.split("/"))
    return f"{ui_url}/assets/{path}?view=checks&checkDetail={quote(claim, safe='')}"
