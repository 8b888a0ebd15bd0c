"""Delivers news: each news once, each message once to each channel, and no channel waits for another.

What a channel does not take stays in the outbox. It is tried for some seconds, then at every tick, for a week.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import stamina

import ai_usage.retries  # noqa: F401 - logs each retry
from ai_usage.alerts.channels import Channel, Undelivered
from ai_usage.alerts.message import Message, compose
from ai_usage.alerts.news import News
from ai_usage.alerts.outbox import Memory, Outbox

GIVE_UP_AFTER = timedelta(days=7)
BUSY = "another tick is delivering"

Finding = Callable[[Memory], Iterable[News]]  # a source's news from what it read, in one transaction


@dataclass(frozen=True)
class Persistence:
    """How long a channel is tried in one tick. Dagster gives up on a tick after a minute."""

    attempts: int = 3
    first_wait: float = 0.5
    seconds: float = 15.0  # after which no further message is begun


@dataclass
class Report:
    """What a tick did."""

    sent: int = 0  # the number of news that were sent
    delivered: int = 0
    waiting: dict[str, str] = field(default_factory=dict)  # channel → why
    given_up: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = [f"{self.sent} news" if self.sent else "no news"]
        if self.delivered:
            parts.append(f"{self.delivered} delivered")
        parts += [f"{channel} is waiting: {why}" for channel, why in self.waiting.items()]
        return "; ".join(parts)


@dataclass(frozen=True)
class Alerts:
    """A sensor calls `send` with its news, or with none: `send` also delivers messages that wait."""

    outbox: Outbox
    channels: Sequence[Channel]
    now: Callable[[], datetime]
    is_simulated: bool
    ui_url: str = ""  # to which messages link, for what to do
    persistence: Persistence = field(default_factory=Persistence)

    def send(self, news: Iterable[News] | Finding, *, is_first: bool = False) -> Report:
        """`is_first`: the first news of an installation, about what was already wrong before it."""
        report = Report(sent=self._put(news, is_first=is_first))
        if self.channels:
            with ThreadPoolExecutor(max_workers=len(self.channels)) as pool:  # none waits for another's thread
                for part in pool.map(self._deliver, self.channels):
                    report.delivered += part.delivered
                    report.waiting |= part.waiting
                    report.given_up += part.given_up
        return report

    def _put(self, news: Iterable[News] | Finding, *, is_first: bool) -> int:
        with self.outbox.transaction() as memory:
            fresh = memory.unsent(news(memory) if callable(news) else news)
            redact = self.outbox.redaction
            messages = compose(
                fresh, is_simulated=self.is_simulated, redact=redact, is_first=is_first, ui_url=self.ui_url
            )
            memory.put(messages, fresh, [channel.name for channel in self.channels], self.now())
        return len(fresh)

    def _deliver(self, channel: Channel) -> Report:
        """Sends until the channel refuses a message. Sends nothing while another tick or process uses the channel."""
        with self.outbox.delivering(channel.name) as is_ours:
            return self._deliver_alone(channel) if is_ours else Report(waiting={channel.name: BUSY})

    def _deliver_alone(self, channel: Channel) -> Report:
        report = Report()
        stop_at = time.monotonic() + self.persistence.seconds
        for message, since in self.outbox.waiting(channel.name):
            if time.monotonic() > stop_at:
                report.waiting[channel.name] = "the rest goes at the next tick"
                break
            try:
                self._send(channel, message)
            except Undelivered as error:
                self.outbox.failed(message, channel.name)
                if self.now() - since > GIVE_UP_AFTER:
                    self.outbox.ended(message, channel.name, "given up")
                    report.given_up.append(f"{channel.name} did not take {message.subject!r} for a week: {error}")
                report.waiting[channel.name] = str(error)
                break
            self.outbox.ended(message, channel.name, "delivered")
            report.delivered += 1
        return report

    def _send(self, channel: Channel, message: Message) -> None:
        stamina.retry(
            on=lambda error: isinstance(error, Undelivered) and error.may_retry_now,
            attempts=self.persistence.attempts,
            timeout=self.persistence.seconds / 2,
            wait_initial=self.persistence.first_wait,
            wait_jitter=self.persistence.first_wait,
        )(channel.send)(message)
