"""Who hears of trouble: the sensors that tell what their sources find, and the list of the sources.

A source looks for what there is to tell. It may return news, of which each key is told once, or a function that makes
news within the outbox's own transaction, where it keeps a cursor. To have more told, add a source to `SOURCES`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dagster as dg

from ai_usage.alerts.delivery import Alerts, Finding
from ai_usage.alerts.news import News
from ai_usage.alerts.outbox import Outbox
from ai_usage.automation.check_news import news_of_checks
from ai_usage.automation.copy_news import news_of_the_copy
from ai_usage.automation.dead_runs import end_the_dead
from ai_usage.automation.run_news import news_of_runs
from ai_usage.settings import Settings, settings

SECONDS = 60  # between two looks
NOBODY = dg.SkipReason(
    "Nobody to tell: set ALERT_SLACK_WEBHOOK_URL, ALERT_WEBHOOK_URL, or ALERT_SMTP_URL with ALERT_EMAIL_TO."
)


@dataclass(frozen=True)
class Tick:
    """What a source may look at."""

    instance: dg.DagsterInstance
    outbox: Outbox  # to read from; what is to be kept is written in the finding
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
        "Tells of every check that failed or warned, once a check and day, and when it is green again, however its "
        "run was started; of budgets, forecasts, growth and what is unusual, once each.",
        lambda tick: news_of_checks(tick.instance, tick.outbox, tick.settings.ui_url, tick.settings.now().date()),
    ),
    Source(
        "run_failure_alerts",
        "Tells of every run that failed, once it is not tried again, and when a re-execution of it succeeded.",
        lambda tick: news_of_runs(tick.instance, tick.outbox, tick.settings.ui_url),
    ),
    Source(
        "published_copy_alerts",
        "Alerts once where the published copy of the warehouse cannot be read. The next run publishes it again.",
        lambda tick: news_of_the_copy(tick.settings),
    ),
]


def sensor(source: Source) -> dg.SensorDefinition:
    """Looks once a minute. What it did is the tick's word; a channel that takes nothing fails no tick."""

    @dg.sensor(
        name=source.sensor,
        description=source.description,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tells(context: dg.SensorEvaluationContext, alerts: dg.ResourceParam[Alerts]) -> dg.SkipReason:
        end_the_dead(context.instance)
        if not alerts.channels:
            return NOBODY
        report = alerts.tell(source.look(Tick(context.instance, alerts.outbox, settings())))
        for channel, why in report.waiting.items():
            context.log.warning("%s: %s", channel, why)
        for why in report.given_up:
            context.log.error(why)
        return dg.SkipReason(str(report))

    return tells


SENSORS = [sensor(source) for source in SOURCES]
