"""The folder into which people put exports, and the events that its files have for some days."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import msgspec

from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.csv_file import AuditLog, UnreadableUpload, read_audit_log
from ai_usage.providers.anthropic.audit_log.records import AuditEvent
from ai_usage.settings import Settings
from ai_usage.warehouse.ledger import Answer

SOURCE = "anthropic"

Events = Counter[AuditEvent]


@dataclass(frozen=True)
class Uploads:
    """Read anew each time: files come and go."""

    folder: Path
    now: Callable[[], datetime]

    def files(self) -> list[Path]:
        """Every CSV in it; none if there is no such folder."""
        try:
            found = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UnreadableUpload(f"AI_USAGE_UPLOADS_DIR, {self.folder}, cannot be read: {error.strerror}.") from None
        return [path for path in found if path.suffix.lower() == ".csv" and path.name[0] != "." and path.is_file()]

    def audit_logs(self, wanted: Span) -> list[AuditLog]:
        """What each file has of these days; one bad file is an `UnreadableUpload` for them all."""
        return [read_audit_log(path, wanted, now=self.now()) for path in self.files()]


def uploads_of(of: Settings) -> Uploads | None:
    """The folder of uploads; None if the built-in providers answer: real figures may not join simulated ones."""
    return None if of.simulate else Uploads(of.uploads_dir, of.now)


def is_whole(day: date, logs: Sequence[AuditLog]) -> bool:
    """Whether a file has all of the day: it begins before and ends after it."""
    return any(log.covers and log.covers.first < day < log.covers.last for log in logs)


def answers(logs: Sequence[AuditLog], wanted: Span, held: Mapping[date, Events]) -> list[Answer]:
    """One answer for each wanted day that some file covers. Where files overlap, an event counts as often as in the
    file that has it most often. For a day that no file has whole, the ledger counts too: the files with the rest of the
    day may have been removed.
    """
    events: dict[date, Events] = {day: Counter() for day in wanted.days}
    for log in logs:
        for event, times in log.events.items():
            of_day = events[event.created_at.date()]
            of_day[event] = max(of_day[event], times)
    return [
        _answer(day, found if is_whole(day, logs) else found | held.get(day, Counter()), names)
        for day, found in events.items()
        if (names := [log.name for log in logs if log.covers and day in log.covers])
    ]


def _answer(day: date, events: Events, names: Sequence[str]) -> Answer:
    records = sorted(msgspec.json.encode(event) for event in events.elements())
    return Answer(SOURCE, day, records, len(names), {"files": sorted(names)})
