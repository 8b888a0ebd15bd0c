"""The sensors that send alerts, and the list of their sources.

A source looks for what there is to report. It may return news, of which each key is sent once, or a function that makes
news within the outbox's own transaction, where it keeps a cursor. To have more reported, add a source to `SOURCES`.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dagster as dg

from ai_usage.alerts.delivery import Alerts, Finding
from ai_usage.alerts.news import News
from ai_usage.alerts.outbox import Memory, Outbox
from ai_usage.automation.check_news import SOURCE as CHECKS_READ
from ai_usage.automation.check_news import news_of_checks
from ai_usage.automation.copy_news import news_of_the_copy
from ai_usage.automation.dead_runs import end_the_dead
from ai_usage.automation.digest_news import news_of_the_week
from ai_usage.automation.event_news import news_of_events
from ai_usage.automation.run_news import news_of_runs
from ai_usage.settings import Settings, settings

SECONDS = 60  # between two looks
LOG = logging.getLogger(__name__)
STARTED = "started"
NO_CHANNEL = dg.SkipReason(
    "No channel to send to: set ALERT_SLACK_WEBHOOK_URL, ALERT_WEBHOOK_URL, or ALERT_SMTP_URL with ALERT_EMAIL_TO."
)


@dataclass(frozen=True)
class Tick:
    """The inputs of a source."""

    instance: dg.DagsterInstance
    outbox: Outbox  # to read from; the finding writes what is to be kept
    settings: Settings


@dataclass(frozen=True)
class Source:
    """One sensor's news."""

    sensor: str
    description: str
    look: Callable[[Tick], Iterable[News] | Finding]


SOURCES = [
    Source(
        "check_alerts",
        "Reports every check that failed or warned, once a check and day, and when it passed again, however its run "
        "was started.",
        lambda tick: news_of_checks(tick.instance, tick.outbox, tick.settings.ui_url),
    ),
    Source(
        "run_failure_alerts",
        "Reports every run that failed, once it is not tried again, and when a re-execution of it succeeded.",
        lambda tick: news_of_runs(tick.instance, tick.outbox, tick.settings.ui_url),
    ),
    Source(
        "published_copy_alerts",
        "Alerts once where the published copy of the warehouse cannot be read. The next run publishes it again.",
        lambda tick: news_of_the_copy(tick.settings),
    ),
    Source(
        "event_alerts",
        "Reports each event of alert_events once: a budget's threshold, a forecast above it, growth, an anomaly, a "
        "restated day, something unknown in a provider's records.",
        lambda tick: news_of_events(tick.settings, tick.outbox),
    ),
    Source(
        "weekly_digest",
        "Sends a digest once a week, at the time of AI_USAGE_DIGEST: total against budget, largest movers, new keys "
        "and models, keys without an owner, idle seats, open months.",
        lambda tick: news_of_the_week(tick.settings, tick.outbox),
    ),
]


def _is_first(outbox: Outbox) -> bool:
    """Whether no sensor of this installation has run before. A cursor of an earlier release counts as a run."""
    with outbox.transaction() as memory:
        return not memory.cursor(STARTED) and not memory.cursor(CHECKS_READ)


def _everything(tick: Tick) -> Finding:
    """The news of all sources at once, so that a first start sends one message. A source that cannot be read does not
    delay the others: its sensor fails, and reports its news later.
    """
    looks: list[Iterable[News] | Finding] = []
    for source in SOURCES:
        try:
            looks.append(source.look(tick))
        except Exception:
            LOG.exception("%s cannot be read for the first summary", source.sensor)

    def found(memory: Memory) -> list[News]:
        memory.move(STARTED, 1)
        return [one for look in looks for one in (look(memory) if callable(look) else look)]

    return found


def sensor(source: Source) -> dg.SensorDefinition:
    """Runs once a minute. The tick's message states what it did. A channel that takes nothing fails no tick."""

    @dg.sensor(
        name=source.sensor,
        description=source.description,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def sends(context: dg.SensorEvaluationContext, alerts: dg.ResourceParam[Alerts]) -> dg.SkipReason:
        end_the_dead(context.instance)
        if not alerts.channels:
            return NO_CHANNEL
        tick = Tick(context.instance, alerts.outbox, settings())
        is_first = _is_first(alerts.outbox)
        report = alerts.send(_everything(tick) if is_first else source.look(tick), is_first=is_first)
        for channel, why in report.waiting.items():
            context.log.warning("%s: %s", channel, why)
        for why in report.given_up:
            context.log.error(why)
        return dg.SkipReason(str(report))

    return sends


SENSORS = [sensor(source) for source in SOURCES]
