"""News of the published copy of the warehouse: it cannot be read. Reported once for each such copy."""

from collections.abc import Iterator

from ai_usage.alerts.news import News, Severity
from ai_usage.settings import Settings
from ai_usage.warehouse.duckdb.published_copy import torn_copies

TOPIC = "published_copy"


def news_of_the_copy(of: Settings) -> Iterator[News]:
    for at, why in torn_copies(of.published_database):
        yield News(
            key=f"{TOPIC} {at}",
            severity=Severity.FAILED,
            title="The published copy of the warehouse cannot be read",
            topic=TOPIC,
            text=f"{why} Sensors treat it as missing: what is due is pulled, and the run publishes the copy again.",
            link=of.ui_url,
        )
