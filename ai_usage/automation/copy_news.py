"""What the published copy of the warehouse has to report: that it cannot be read, once for each such copy."""

from collections.abc import Iterator

from ai_usage.alerts.news import News, Severity
from ai_usage.errors import OfAnotherRelease
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb import trouble_of

TOPIC = "published_copy"


def news_of_the_copy(of: Settings) -> Iterator[News]:
    copy = of.published_database
    why = trouble_of(copy) if copy.exists() else None
    if why and not isinstance(why, OfAnotherRelease):
        yield News(
            key=f"{TOPIC} {copy.stat().st_mtime_ns}",
            severity=Severity.FAILED,
            title="The published copy of the warehouse cannot be read",
            topic=TOPIC,
            text=f"{why} Sensors take it for none: what is due is pulled, and the run publishes the copy again.",
            link=of.ui_url,
        )
