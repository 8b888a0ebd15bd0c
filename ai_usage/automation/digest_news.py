"""The weekly digest as news, when it is due. Each is sent once: the outbox has the time of the last one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ai_usage.alerts.news import Digest, Severity
from ai_usage.alerts.outbox import Memory, Outbox
from ai_usage.dashboards.weekly import weekly
from ai_usage.marts.files import marts
from ai_usage.setting_types import WeekTime
from ai_usage.settings import Settings
from ai_usage.warehouse.open import open_published
from ai_usage.warehouse.port import Warehouse

SOURCE = "digest"
TOPIC = "weekly_digest"


def news_of_the_week(of: Settings, outbox: Outbox) -> Callable[[Memory], list[Digest]] | list[Digest]:
    """The digest, if it became due since the last tick. The very first tick only records the time: a new installation
    sends its first digest when the next one is due.
    """
    due = last_due(of.now(), of.digest_at, of.schedule_timezone) if of.digest_at else None
    if due is None:
        return []
    with outbox.transaction() as memory:
        sent = memory.cursor(SOURCE)
    at = int(due.timestamp())
    if sent >= at:
        return []
    found = digest_of(of, f"{SOURCE} {due:%Y-%m-%d %H:%M}") if sent else None
    if sent and found is None:
        return []  # nothing to read yet: it waits

    def noted(memory: Memory) -> list[Digest]:
        memory.move(SOURCE, at)
        return [found] if found else []

    return noted


def digest_of(of: Settings, key: str) -> Digest | None:
    """The digest of the last week; None if there is no warehouse to read."""
    warehouse = open_published(of)
    if warehouse is None or not _has_marts(warehouse):
        return None
    found = weekly(warehouse)
    if found is None:
        return None
    return Digest(
        key=key, severity=Severity.NOTICE, title=found.title, topic=TOPIC, sections=found.sections, link=of.ui_url
    )


def _has_marts(warehouse: Warehouse) -> bool:
    """False for a copy of an earlier release, or before the first build."""
    return all(warehouse.has(mart.table) for mart in marts())


def last_due(now: datetime, at: WeekTime, zone: str) -> datetime:
    """The newest instant up to now that is the weekday and time of day in the zone."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() - timedelta(days=(local.weekday() - at.weekday) % 7)
    due = datetime.combine(day, at.time, ZoneInfo(zone))
    return due if due <= local else datetime.combine(day - timedelta(days=7), at.time, ZoneInfo(zone))
