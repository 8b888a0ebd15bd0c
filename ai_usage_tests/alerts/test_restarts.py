"""Alerts across restarts of the daemon and concurrent ticks: nothing is sent twice and nothing is lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import dagster as dg
import pytest

from ai_usage.alerts.channels import Webhook
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.outbox import Outbox
from ai_usage.automation import check_news
from ai_usage.check import PASSED
from ai_usage_tests.alerts.receivers import Hook, dead_port, drip
from ai_usage_tests.alerts.watched import DAY, FAILED, NEXT, WARNED, Watched


class Dead(BaseException):
    """The daemon was killed."""


def restart_at(monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, *, after: bool) -> Callable[[], None]:
    """The daemon dies at the first call of this method, before or after its work."""
    works = getattr(owner, method)

    def dies(*args: Any, **kwargs: Any) -> None:
        if after:
            works(*args, **kwargs)
        raise Dead

    monkeypatch.setattr(owner, method, dies)
    return lambda: monkeypatch.setattr(owner, method, works)


@pytest.mark.parametrize(
    ("owner", "method", "after"),
    [
        (Outbox, "ended", True),  # sent and noted, but the tick does not end
        (Webhook, "send", False),
        (Outbox, "waiting", False),  # in the outbox, and nothing sent
        (check_news, "_news", False),  # in the middle of the transaction
    ],
)
def test_a_restart_in_the_middle_sends_nothing_twice_and_loses_nothing(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, *, after: bool
) -> None:
    watched.evaluate({DAY: FAILED, NEXT: WARNED})
    revive = restart_at(monkeypatch, owner, method, after=after)
    with pytest.raises(Dead):
        watched.tick()
    revive()
    watched.evaluate({DAY: FAILED, NEXT: WARNED})
    for _ in range(2):
        watched.tick()
    assert sorted(subject.split()[1] for subject in web.subjects) == ["FAILED", "WARNING"]


def test_an_alert_sent_when_the_daemon_died_is_resolved_later(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.evaluate({DAY: FAILED})
    revive = restart_at(monkeypatch, Outbox, "ended", after=True)
    with pytest.raises(Dead):
        watched.tick()
    revive()
    watched.evaluate({DAY: PASSED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]


def test_killed_between_delivery_and_our_note_the_same_key_is_sent_again(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window that remains: the receiver recognizes the message by its key."""
    watched.evaluate({DAY: FAILED})
    revive = restart_at(monkeypatch, Outbox, "ended", after=False)
    with pytest.raises(Dead):
        watched.tick()
    revive()
    watched.tick()
    first, second = web.got
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == first.body["key"]


def test_two_ticks_at_once_do_not_send_the_same(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY: FAILED})
    during: list[str] = []

    def tick_meanwhile() -> None:
        if not during:
            during.append("")
            during.append(watched.tick())

    web.before_answer = tick_meanwhile
    watched.tick()
    assert "another tick is delivering" in during[1]
    assert len(web.got) == 1


def test_a_receiver_that_drips_delays_no_other_and_is_given_up_in_time(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers that arrive byte by byte never reach the timeout of a read. A mail server's answer behaves the same."""
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS_IN_ALL", 1)
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS_IN_ALL", 1)
    with drip(b"HTTP/1.1 200 OK\r\nx: ") as slow, drip(b"220-") as slow_mail, drip(b"220 ok\r\n250-") as later:
        servers = [MailServer("127.0.0.1", port, is_tls=False, user="", password="") for port in (slow_mail, later)]
        slow_mails = [Mail(server, f"{server.port}@example.com") for server in servers]
        slow_web = Webhook(f"http://127.0.0.1:{slow}/", name="slow")
        watched.alerts = replace(watched.alerts, channels=[slow_web, *slow_mails, *watched.alerts.channels])
        watched.evaluate({DAY: FAILED})
        began = monotonic()
        report = watched.tick()
        assert monotonic() - began < 30
        assert "slow is waiting: The webhook did not answer within 1 s." in report
        assert "The mail server did not take the message within 1 s." in report
        assert len(web.got) == 1


def test_a_channel_in_use_by_another_tick_delays_no_other(watched: Watched, web: Hook) -> None:
    slow = Webhook(f"http://127.0.0.1:{dead_port()}/", name="slow")
    watched.alerts = replace(watched.alerts, channels=[slow, *watched.alerts.channels])
    watched.evaluate({DAY: FAILED})
    with watched.alerts.outbox.delivering("slow") as is_ours:
        assert is_ours
        assert watched.tick() == "1 news; 1 delivered; slow is waiting: another tick is delivering"
    assert len(web.got) == 1


def test_an_emptied_event_log_is_read_from_its_beginning(watched: Watched, web: Hook, tmp_path: Path) -> None:
    for _ in range(3):
        watched.evaluate({DAY: FAILED, NEXT: PASSED})
    watched.tick()
    watched.instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "another"))
    watched.evaluate({DAY: FAILED, NEXT: WARNED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "WARNING"]
