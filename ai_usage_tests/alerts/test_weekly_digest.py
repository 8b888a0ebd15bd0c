"""The weekly digest: when it is due, that each channel gets it once, and its format in each channel."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from ai_usage.alerts.channels import Slack, Webhook, as_blocks, as_json
from ai_usage.alerts.message import compose
from ai_usage.alerts.news import Digest, News, Section, Severity
from ai_usage.automation import alerts as automation
from ai_usage.automation import digest_news
from ai_usage.automation.digest_news import TOPIC, last_due
from ai_usage.commands import digest as command
from ai_usage.commands.__main__ import main
from ai_usage.redaction import Redaction
from ai_usage.setting_types import WeekTime
from ai_usage.settings import Settings, settings
from ai_usage_tests.alerts.receivers import Hook, hook
from ai_usage_tests.alerts.watched import DIGEST, SALT, Watched
from ai_usage_tests.printed import printed

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
SECTIONS = [
    Section("Total against budget", ["$26,594.25 billed.", "Budget $31,000.00."]),
    Section("Idle seats", ["ada@example.com, Teams: $40.00 a month.", "<!channel> & more"]),
]


def _settings() -> Settings:
    """The settings of the sensors."""
    found: Settings = vars(automation)["settings"]()
    return found


def digest_named(key: str) -> Digest:
    return Digest(key=key, severity=Severity.NOTICE, title="Weekly digest, 16 Nov to 22 Nov 2026", topic=TOPIC,
                  sections=SECTIONS, link="https://usage.example.com")  # fmt: skip


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-11-23T09:00Z", "UTC", "2026-11-23T09:00Z"),
        ("2026-11-23T08:59Z", "UTC", "2026-11-16T09:00Z"),
        ("2026-11-29T23:59Z", "UTC", "2026-11-23T09:00Z"),
        ("2026-11-23T08:00Z", "Europe/Berlin", "2026-11-23T08:00Z"),
        ("2026-10-26T08:30Z", "Europe/Berlin", "2026-10-26T08:00Z"),  # the day after summer time ends
        ("2026-10-25T12:00Z", "Europe/Berlin", "2026-10-19T07:00Z"),
    ],
)
def test_it_is_due_at_the_weekday_and_time_of_the_zone(now: str, zone: str, due: str) -> None:
    assert last_due(datetime.fromisoformat(now), WeekTime(0, time(9)), zone) == datetime.fromisoformat(due)


@pytest.fixture
def clock(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The instant that the sensor sees. A digest can be built unless the test prevents it."""
    at = [MONDAY - timedelta(days=3)]
    of = replace(_settings(), schedule_timezone="UTC")
    monkeypatch.setattr(automation, "settings", lambda: replace(of, fixed_now=at[0]))
    monkeypatch.setattr(digest_news, "digest_of", lambda _, key: digest_named(key))
    return at


def test_each_week_is_sent_once_to_each_channel_also_after_a_crash(
    watched: Watched, web: Hook, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert watched.tick(DIGEST) == "no news"  # a new installation waits for the next Monday
    clock[0] = MONDAY - timedelta(minutes=1)
    assert watched.tick(DIGEST) == "no news"
    clock[0] = MONDAY + timedelta(minutes=1)
    with hook() as slack:
        watched.alerts = replace(watched.alerts, channels=[Webhook(web.url), Slack(slack.url)])
        slack.answers = [500] * 9
        assert "1 news" in watched.tick(DIGEST)  # the process ends here; Slack was down
        slack.answers = []
        assert "1 delivered" in watched.tick(DIGEST)
        clock[0] = MONDAY + timedelta(days=2)
        assert watched.tick(DIGEST) == "no news"
        assert (len(web.got), len(slack.got)) == (1, 1)
    watched.alerts = replace(watched.alerts, channels=[Webhook(web.url)])
    monkeypatch.setattr(digest_news, "digest_of", lambda *_: None)
    clock[0] = MONDAY + timedelta(days=7)
    assert watched.tick(DIGEST) == "no news"  # there is no data: it waits
    monkeypatch.setattr(digest_news, "digest_of", lambda _, key: digest_named(key))
    clock[0] += timedelta(hours=5)
    assert "1 news" in watched.tick(DIGEST)
    assert [posted.body["severity"] for posted in web.got] == ["notice", "notice"]
    assert len({posted.body["key"] for posted in web.got}) == 2


def test_it_can_be_switched_off(
    watched: Watched, web: Hook, clock: list[datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.tick(DIGEST)
    clock[0] = MONDAY
    of = _settings()
    monkeypatch.setattr(automation, "settings", lambda: replace(of, digest_at=None))
    assert watched.tick(DIGEST) == "no news"
    watched.alerts = replace(watched.alerts, channels=[])
    monkeypatch.setattr(automation, "settings", lambda: of)
    assert watched.tick(DIGEST).startswith("No channel to send to")
    assert web.got == []


def test_a_copy_without_marts_has_no_digest(watched: Watched) -> None:
    of = _settings()
    assert digest_news.digest_of(of, "k") is None
    watched.warehouse.publish_anew()
    assert digest_news.digest_of(of, "k") is None


def test_it_is_one_message_in_sections_beside_the_alerts_and_without_addresses() -> None:
    others = [News(key=str(n), severity=Severity.WARNING, title=f"t{n}", topic="run_failure") for n in range(7)]
    alerts, message = compose([digest_named("k"), *others], is_simulated=True, redact=Redaction(salt=SALT))
    assert alerts.subject.startswith("[ai_usage] SIMULATED 7 alerts")
    assert message.subject == "[ai_usage] SIMULATED Weekly digest, 16 Nov to 22 Nov 2026"
    first, second = message.text.split("\n\n")[1:]
    assert message.text.startswith("SIMULATED:")
    assert first == "Total against budget\n• $26,594.25 billed.\n• Budget $31,000.00."
    assert second.splitlines()[0] == "Idle seats"
    assert second.endswith("Look: https://usage.example.com\n")
    posted = as_json(message)
    assert posted["items"][0]["entries"] == SECTIONS[0].lines
    everywhere = json.dumps(posted) + json.dumps(as_blocks(message))
    assert "ada@example.com" not in everywhere
    assert "&lt;!channel&gt; &amp; more" in everywhere
    assert "<https://usage.example.com>" in everywhere


def test_a_person_can_read_it_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AI_USAGE_SIMULATE", "1")
    settings.cache_clear()
    found: list[Digest | None] = [None]

    def digest_of(_: Settings, key: str) -> Digest | None:
        return replace(found[0], key=key) if found[0] else None

    monkeypatch.setattr(command, "digest_of", digest_of)
    assert main(["digest"]) == 2
    assert "There is nothing to report yet" in printed(capsys)
    found[0] = digest_named("k")
    assert main(["digest"]) == 0
    assert "• $26,594.25 billed." in printed(capsys)
    assert main(["digest", "SEND=1"]) == 2
    assert "No channel is configured" in printed(capsys)
    with hook() as web:
        monkeypatch.setenv("ALERT_WEBHOOK_URL", web.url)
        assert main(["digest", "SEND=1"]) == 0
        assert web.subjects == ["[ai_usage] SIMULATED Weekly digest, 16 Nov to 22 Nov 2026"]
        web.answers = [404] * 5
        assert main(["digest", "SEND=1"]) == 1
    assert "Sent to 0 of 1 channels." in printed(capsys)
