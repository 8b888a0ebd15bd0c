"""A receiver that refuses, hangs or sends invalid answers: the others get their messages, and it gets its own later."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.alerts.channels import Slack, Webhook
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.outbox import Outbox
from ai_usage.check import PASSED
from ai_usage_tests.alerts.receivers import Hook, Post, dead_port, post
from ai_usage_tests.alerts.watched import DAY, FAILED, NEXT, WARNED, Watched


@pytest.fixture
def mails() -> Iterator[Post]:
    with post() as found:
        yield found


def test_no_file_name_has_the_address_of_a_recipient(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite")
    for one in ("email to ada/o@example.com", "email to bo@example.com"):
        with outbox.delivering(one) as is_alone, outbox.delivering(one) as again:
            assert (is_alone, again) == (True, False)
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 2
    assert not any("@" in name or "example" in name for name in names)


def mail(port: int, to: str = "finance@example.com", **more: Any) -> Mail:
    return Mail(MailServer("127.0.0.1", port, is_tls=False, user="", password=""), to, **more)


@pytest.mark.parametrize("trouble", ["refused", "500", "silence", "redirect", "gone"])
def test_a_dead_webhook_is_tried_at_the_next_tick_and_delays_no_other(
    watched: Watched, web: Hook, mails: Post, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS", 0.5)
    slack = Slack(f"http://127.0.0.1:{dead_port()}/T/B/x" if trouble == "refused" else web.url)
    answers: dict[str, list[int | float]] = {
        "500": [500, 500], "silence": [1.0, 1.0], "redirect": [302], "gone": [410],
    }  # fmt: skip
    web.answers = answers.get(trouble, [])
    watched.alerts = replace(watched.alerts, channels=[slack, mail(mails.port)])
    watched.evaluate({DAY: FAILED})
    report = watched.tick()
    assert "1 delivered" in report
    assert "slack is waiting: Slack" in report
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS", 5)
    assert (len(mails.got), len(web.got)) == (1, 0)
    watched.alerts = replace(watched.alerts, channels=[Slack(web.url), mail(mails.port)])
    watched.tick()
    watched.tick()
    assert (len(mails.got), len(web.got)) == (1, 1)


def test_a_temporary_failure_is_retried_within_the_tick(watched: Watched, web: Hook) -> None:
    web.answers = [503]
    watched.evaluate({DAY: FAILED})
    assert watched.tick() == "1 news; 1 delivered"
    assert web.asked == 2


def test_a_rate_limited_receiver_is_left_alone_until_the_next_tick(watched: Watched, web: Hook) -> None:
    web.answers = [429]
    watched.evaluate({DAY: FAILED, NEXT: FAILED})
    watched.tick()
    assert web.asked == 1
    watched.tick()
    assert len(web.got) == 2


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        ("CONNECT", ["421 busy", "421 busy"]),
        ("MAIL", ["451 later", "451 later"]),
        ("RCPT", ["450 greylisted", "450 greylisted"]),
        ("RCPT", ["550 unknown"]),
        ("END", ["421 no", "421 no"]),
        ("EHLO", ["silence 1", "silence 1"]),
    ],
)
def test_a_dead_mail_server_is_tried_at_the_next_tick_and_delays_no_other(
    watched: Watched, web: Hook, mails: Post, command: str, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS", 0.5)
    mails.answers[command] = answers
    watched.alerts = replace(watched.alerts, channels=[mail(mails.port), Webhook(web.url)])
    watched.evaluate({DAY: FAILED})
    assert "is waiting: The mail server" in watched.tick()
    assert (len(web.got), mails.got) == (1, [])
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS", 5)
    watched.tick()
    watched.tick()
    assert (len(web.got), len(mails.got)) == (1, 1)


def test_a_wrong_address_keeps_the_others_from_nothing(watched: Watched, mails: Post) -> None:
    mails.answers["RCPT"] = ["550 who?"]
    channels = [mail(mails.port, "gone@example.com")]
    watched.alerts = replace(watched.alerts, channels=channels)
    watched.evaluate({DAY: FAILED})
    watched.tick()
    watched.alerts = replace(watched.alerts, channels=[*channels, mail(mails.port, "b@example.com")])
    watched.evaluate({DAY: PASSED})
    watched.tick()
    assert mails.to == ["b@example.com", "gone@example.com", "gone@example.com"]


def test_a_message_is_given_up_after_a_week_and_the_next_ones_go_on(watched: Watched, web: Hook) -> None:
    web.answers = [400, 400]
    watched.evaluate({DAY: FAILED})
    watched.tick()
    later = watched.alerts.now() + timedelta(days=8)
    watched.alerts = replace(watched.alerts, now=lambda: later)
    watched.tick()
    assert watched.tick() == "no news"
    watched.evaluate({DAY: PASSED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["RESOLVED"]


def test_what_one_receiver_never_takes_does_not_stop_what_comes_after(watched: Watched, web: Hook) -> None:
    web.answers = [400, 200, 400]
    watched.evaluate({DAY: FAILED})
    watched.tick()
    watched.evaluate({NEXT: WARNED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["WARNING"]


@pytest.mark.parametrize("goodbye", ["421 timeout", "silence 1", "rubbish"])
def test_an_odd_goodbye_after_the_mail_was_taken_sends_no_second_one(
    watched: Watched, mails: Post, goodbye: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS", 0.5)
    mails.answers["QUIT"] = [goodbye]
    watched.alerts = replace(watched.alerts, channels=[mail(mails.port)])
    watched.evaluate({DAY: FAILED})
    watched.tick()
    watched.tick()
    assert len(mails.got) == 1
