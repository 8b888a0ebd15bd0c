"""News of the events in `alert_events`: each is reported once, by its `alert_key`, and never resolved.

They are read from each new published copy of the warehouse. The outbox has the keys of sent events, so that a copy
read again, or a later run with the same event, does not send it again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox
from ai_usage.automation.check_news import check_page
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.settings import Settings
from ai_usage.warehouse.open import open_published, written_at
from ai_usage.warehouse.port import Warehouse

SOURCE = "events"
EVENTS_OF = timedelta(days=14)  # older days' events are history, not news
SEVERITIES = {"warned": Severity.WARNING, "failed": Severity.FAILED}
OF_LATE = f"""
select alert_key, topic, asset, severity, event_date, title, text
from {ALERT_EVENTS.address}
where coalesce(event_date, date(found_at)) >= @since
order by event_date, topic, alert_key
"""


def news_of_events(of: Settings, outbox: Outbox) -> Callable[[Memory], list[News]] | list[News]:
    """Reads the published copy if it changed since the last tick."""
    written = written_at(of, ALERT_EVENTS)
    with outbox.transaction() as memory:
        is_known = written == memory.cursor(SOURCE)
    readers_see = None if is_known or not written else open_published(of)
    if readers_see is None:
        return []
    rows = events_of_late(readers_see, of)

    def found(memory: Memory) -> list[News]:
        memory.move(SOURCE, written)
        return list(_news(rows, outbox.redaction, of.ui_url))

    return found


def events_of_late(warehouse: Warehouse, of: Settings) -> Sequence[Mapping[str, Any]]:
    """The events of the last fourteen days; for events without a day, those that a run found in these days."""
    if not warehouse.has(ALERT_EVENTS):  # a copy of an earlier release
        return []
    return warehouse.ask(OF_LATE, since=of.now().date() - EVENTS_OF).to_dicts()


def _news(rows: Sequence[Mapping[str, Any]], redact: Callable[[str], str], ui_url: str) -> Iterator[News]:
    for row in rows:
        yield News(
            key=redact(row["alert_key"]),
            severity=SEVERITIES[row["severity"]],
            title=f"{row['topic']}: {row['title']}",
            topic=row["topic"],
            kind=row["title"].partition(" of ")[0],
            text=row["text"],
            day=row["event_date"],
            link=check_page(ui_url, row["asset"], row["topic"]),
        )
