"""`make test-alert` shows, channel by channel, whether a message arrives."""

import pytest

from ai_usage.commands.__main__ import main
from ai_usage.settings import settings
from ai_usage_tests.alerts.receivers import hook
from ai_usage_tests.printed import printed


@pytest.fixture(autouse=True)
def _settings_are_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_USAGE_SIMULATE", "1")
    settings.cache_clear()


def test_each_channel_gets_one_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with hook() as web, hook() as slack:
        monkeypatch.setenv("ALERT_WEBHOOK_URL", web.url)
        monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", slack.url)
        assert main(["test-alert"]) == 0
        assert [len(web.got), len(slack.got)] == [1, 1]
        assert web.subjects == ["[ai_usage] SIMULATED NOTICE Test alert"]
        [item] = web.got[0].body["items"]
        assert item["runbook"] == "http://127.0.0.1:3000/runbook#test_alert"
        assert "make test-alert" in item["likely_cause"]
        shown = printed(capsys)
        assert shown.count("took the message") == 2
        assert "http://127.0.0.1:3000, which opens on this machine only: set AI_USAGE_UI_URL" in shown
        monkeypatch.setenv("AI_USAGE_UI_URL", "https://usage.example.com")
        settings.cache_clear()
        assert main(["test-alert"]) == 0
        assert web.got[1].body["items"][0]["runbook"] == "https://usage.example.com/runbook#test_alert"
        assert "opens on this machine only" not in printed(capsys)


def test_a_channel_that_refuses_is_named_and_the_others_are_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with hook() as web, hook() as slack:
        slack.answers = [404]
        monkeypatch.setenv("ALERT_WEBHOOK_URL", web.url)
        monkeypatch.setenv("ALERT_SLACK_WEBHOOK_URL", slack.url)
        assert main(["test-alert"]) == 1
        assert len(web.got) == 1
    shown = printed(capsys)
    assert "✗ slack: Slack" in shown
    assert slack.url not in shown


def test_without_a_channel_it_names_the_variables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test-alert"]) == 2
    assert "No channel is configured: set ALERT_SLACK_WEBHOOK_URL" in printed(capsys)
