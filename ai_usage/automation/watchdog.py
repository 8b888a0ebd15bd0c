"""Monitors the platform from outside Dagster's queue and daemon, without the warehouse.

Each look ends dead runs, delivers waiting messages, sends the news of runs, and alerts about what no run can report: no
run succeeds, a run waits for long, ticks fail, the daemon has no heartbeat, a channel takes nothing. Each trouble
alerts once, and once when it is over. A look that fails is a trouble too; the other looks go on.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorType, TickStatus

from ai_usage.alerts.delivery import Alerts, Report
from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Memory, Outbox
from ai_usage.automation.dead_runs import end_the_dead
from ai_usage.automation.history import purge
from ai_usage.automation.run_news import news_of_runs
from ai_usage.settings import Settings

SECONDS = 30.0  # between two looks
PAUSE = 2 * 3600  # seconds: after a longer pause, the time without a look does not count
SILENT = 600  # seconds without a heartbeat of the daemon, which comes twice a minute
TICKS_IN_A_ROW = {InstigatorType.SENSOR: 3, InstigatorType.SCHEDULE: 2}
OUTDATED = 86_400  # seconds: a sensor without a tick for this long no longer exists
UNDELIVERED = timedelta(hours=1)
DAY = 86_400
STANDING = "watchdog "  # the prefix of the subjects of its standings
SEEN, LOOKED, BEGAN, PURGED = (f"watchdog {name}" for name in ("seen", "looked", "began", "purged"))  # its cursors


class Trouble(msgspec.Struct, frozen=True, array_like=True):
    """A trouble. `topic` is its section of the runbook; `what` distinguishes several of one topic."""

    topic: str
    title: str
    text: str
    what: str = ""

    @property
    def subject(self) -> str:
        return f"{STANDING}{self.topic} {self.what}"


@dataclass(frozen=True)
class Scene:
    """The inputs of a look."""

    instance: dg.DagsterInstance
    alerts: Alerts
    of: Settings
    now: float  # seconds, by the machine's clock, as in Dagster's records
    began: float  # start of this series of looks


def no_run_succeeds(scene: Scene) -> Iterator[Trouble]:
    """At least the run of `look_at_freshness` succeeds every six hours, whatever the providers do."""
    succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    ends = [record.end_time for record in scene.instance.get_run_records(succeeded, limit=20) if record.end_time]
    since = max([scene.began, *ends])
    if scene.now - since > scene.of.watchdog_hours * 3600:
        last = f"The last one ended at {_at(max(ends))}" if ends else "None ever has"
        text = f"{last}, and the watchdog has looked since {_at(scene.began)}."
        yield Trouble("no_run_succeeds", f"no run has succeeded for {scene.of.watchdog_hours} hours", text)


def run_waits_in_queue(scene: Scene) -> Iterator[Trouble]:
    """The oldest run that has not begun."""
    queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    for record in scene.instance.get_run_records(queued, limit=1, ascending=True):
        since = max(scene.began, record.create_timestamp.timestamp())
        if scene.now - since > scene.of.watchdog_hours * 3600:
            text = f"A run of {record.dagster_run.job_name} has waited since {_at(since)}."
            yield Trouble("run_waits_in_queue", f"a run has waited for {scene.of.watchdog_hours} hours", text)


def ticks_fail(scene: Scene) -> Iterator[Trouble]:
    """Sensors and schedules of which all of the last ticks failed."""
    for state in scene.instance.all_instigator_state():
        if state.status is not InstigatorStatus.STOPPED and (why := _why_its_ticks_fail(scene, state)):
            kind = state.instigator_type.value.lower()
            yield Trouble("ticks_fail", f"ticks of the {kind} {state.name} fail", why, state.name)


def _why_its_ticks_fail(scene: Scene, state: InstigatorState) -> str:
    """The last tick's error, if the tick before it failed too."""
    wanted = TICKS_IN_A_ROW.get(state.instigator_type, 3)
    ended = [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE]
    ticks = scene.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=wanted, statuses=ended)
    have_failed = len(ticks) >= wanted and all(tick.status is TickStatus.FAILURE for tick in ticks)
    if not have_failed or scene.now - ticks[0].timestamp > OUTDATED:
        return ""
    error = ticks[0].error
    while error and error.cause:
        error = error.cause
    first = next(iter((error.message if error else "").strip().splitlines()), "unknown")
    why = f"The last {wanted} ended in an error, the last one at {_at(ticks[0].timestamp)}: {first}"
    return scene.alerts.outbox.redaction(why)


def daemon_is_silent(scene: Scene) -> Iterator[Trouble]:
    """Parts of Dagster's daemon without a recent heartbeat."""
    heard = {name: beat.timestamp for name, beat in scene.instance.get_daemon_heartbeats().items()}
    last = {name: max(scene.began, heard.get(name, 0.0)) for name in scene.instance.get_required_daemon_types()}
    silent = {name: at for name, at in last.items() if scene.now - at > SILENT}
    if silent:
        text = f"Not heard of since {_at(min(silent.values()))}: {', '.join(sorted(silent))}."
        yield Trouble("daemon_is_silent", "Dagster's daemon is silent", text)


def alerts_are_not_delivered(scene: Scene) -> Iterator[Trouble]:
    """Channels with waiting messages. The other channels get the alert."""
    for channel in scene.alerts.channels:
        waiting = [since for _, since in scene.alerts.outbox.waiting(channel.name)]
        if waiting and scene.alerts.now() - min(waiting) > UNDELIVERED:
            text = f"{len(waiting)} messages wait, the first one since {min(waiting):%Y-%m-%d %H:%M} UTC."
            yield Trouble("alerts_are_not_delivered", f"{channel.name} takes no alerts", text, channel.name)


Eye = Callable[[Scene], Iterator[Trouble]]
EYES: tuple[Eye, ...] = (no_run_succeeds, run_waits_in_queue, ticks_fail, daemon_is_silent, alerts_are_not_delivered)
BLIND = "watchdog_cannot_look"


@dataclass
class Looked:
    """The result of a look."""

    troubles: list[Trouble] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


@dataclass(frozen=True)
class Watchdog:
    """`opened` opens Dagster's instance anew at each look: it may be broken now and fixed later. It ends dead runs only
    where it can see the processes of runs, not those of another container.
    """

    of: Settings
    alerts: Alerts
    opened: Callable[[], AbstractContextManager[dg.DagsterInstance]]
    clock: Callable[[], float] = time.time
    ends_the_dead: bool = True

    def look(self) -> Looked:
        """Without a channel no alert can be sent: troubles are sent to channels that are configured later."""
        now = self.clock()
        began = since_when_somebody_looks(self.alerts.outbox, now)
        looked = Looked()
        found, seen = looked.troubles, {BLIND}
        try:
            with self.opened() as instance:
                scene = Scene(instance, self.alerts, self.of, now, began)
                if self.ends_the_dead:
                    self._attempt("end dead runs", lambda: end_the_dead(instance), found)
                for eye in EYES:
                    if self._attempt(eye.__name__, lambda eye=eye: found.extend(eye(scene)), found):  # type: ignore[misc]
                        seen.add(eye.__name__)
                self._attempt("read how runs ended", lambda: self._send_news_of_runs(instance, looked), found)
                self._attempt("purge the history", lambda: self._purge(instance, now), found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is to be reported
            found.append(self._blind("open Dagster's records", error))
        if self.alerts.channels:
            looked.reports.append(self.alerts.send(lambda memory: news_of(found, seen, memory, self.of.ui_url)))
        return looked

    def _attempt(self, what: str, act: Callable[[], object], found: list[Trouble]) -> bool:
        """Whether `act` succeeded; an error becomes a trouble."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is to be reported, and the rest goes on
            found.append(self._blind(what, error))
            return False
        return True

    def _blind(self, what: str, error: Exception) -> Trouble:
        first = next(iter(str(error).strip().splitlines()), "")
        why = self.alerts.outbox.redaction(f"{type(error).__name__}: {first}")
        return Trouble(BLIND, "the watchdog cannot look", f"It could not {what}: {why}")

    def _send_news_of_runs(self, instance: dg.DagsterInstance, looked: Looked) -> None:
        """Sends what `run_failure_alerts` sends, because no sensor ticks while the daemon is dead."""
        if self.alerts.channels:
            looked.reports.append(self.alerts.send(news_of_runs(instance, self.alerts.outbox, self.of.ui_url)))

    def _purge(self, instance: dg.DagsterInstance, now: float) -> None:
        """Once a day. A long history is deleted in parts, one at each look."""
        with self.alerts.outbox.transaction() as memory:
            if now - memory.cursor(PURGED) < DAY:
                return
        give_up = time.monotonic() + SECONDS
        while purge(instance, datetime.fromtimestamp(now, UTC) - timedelta(days=self.of.history_days)):
            if time.monotonic() > give_up:
                return
        with self.alerts.outbox.transaction() as memory:
            memory.move(PURGED, int(now))


def since_when_somebody_looks(outbox: Outbox, now: float) -> float:
    """The first of a series of looks without a long pause: the time that a machine slept does not count."""
    with outbox.transaction() as memory:
        looked, began = memory.cursor(LOOKED), memory.cursor(BEGAN)
        if not 0 <= now - looked <= PAUSE:
            began = int(now)
            memory.move(BEGAN, began)
        memory.move(LOOKED, int(now))
    return float(began)


def news_of(found: Sequence[Trouble], seen: set[str], memory: Memory, ui_url: str) -> Iterator[News]:
    """Troubles that began, and those that are over. What could not be looked at keeps its state."""
    at = memory.cursor(SEEN) + 1
    memory.move(SEEN, at)
    for trouble in found:
        packed = msgspec.json.encode(trouble).decode()
        memory.saw(trouble.subject, event_id=at, gravity=2, why=packed)
    wrong = {trouble.subject for trouble in found}
    for standing in memory.standings(STANDING):
        topic = standing.subject.split(" ")[1]
        if standing.gravity and standing.subject not in wrong and topic in seen:
            memory.saw(standing.subject, event_id=at, gravity=0, why=standing.why)
    for standing in memory.standings(STANDING):
        if standing.is_news:
            memory.mark_reported(standing)
            trouble = msgspec.json.decode(standing.why, type=Trouble)
            yield News(
                key=f"{standing.subject} {at}",
                severity=Severity.FAILED if standing.gravity else Severity.RESOLVED,
                title=trouble.title,
                topic=trouble.topic,
                text=trouble.text if standing.gravity else "It is over.",
                link=f"{ui_url}/deployment/daemons" if trouble.topic == "daemon_is_silent" else f"{ui_url}/runs",
            )


def _at(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
