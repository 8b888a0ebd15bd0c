"""The channels of an installation: their configuration and login, and that no secret leaks when they fail."""

import logging
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from ai_usage import settings as settings_module
from ai_usage.alerts import resource
from ai_usage.alerts.channels import Slack, Undelivered, Webhook
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.message import Message, compose
from ai_usage.alerts.news import News, Severity
from ai_usage.automation import alerts as automation
from ai_usage.commands import doctor
from ai_usage.errors import SettingError
from ai_usage.redaction import pseudonym
from ai_usage.settings import read_settings, secrets
from ai_usage_tests.alerts.receivers import dead_port, hook, post

SECRET = "planted-5ecret"
SLACK_PATH = f"/services/T000/B000/{SECRET}"


def message() -> Message:
    news = News(key="k", severity=Severity.FAILED, title="bad", topic="run_failure", text="3 USD are missing.")
    [made] = compose([news], is_simulated=False, redact=str)
    return made


def server(port: int, **more: object) -> MailServer:
    return MailServer(**{"host": "127.0.0.1", "port": port, "is_tls": False, "user": "", "password": "", **more})  # type: ignore[arg-type]


@contextmanager
def environment(tmp_path: Path, **variables: str) -> Iterator[None]:
    """Settings of this environment, inside the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"AI_USAGE_DATA_DIR": str(tmp_path), **variables}.items():
            patch.setenv(name, value)
        settings_module.settings.cache_clear()
        try:
            yield
        finally:
            patch.undo()
            settings_module.settings.cache_clear()


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance) -> str:
    alerts = resource.alerts_of(settings_module.settings())
    with dg.build_sensor_context(instance=instance, resources={"alerts": alerts}) as context:
        return sensor.evaluate_tick(context).skip_message or ""


def test_the_three_channels_get_the_same_from_one_configuration(tmp_path: Path) -> None:
    with (
        hook(SLACK_PATH) as slack,
        hook("/hook") as web,
        post() as mails,
        environment(
            tmp_path,
            ALERT_SLACK_WEBHOOK_URL=slack.url,
            ALERT_WEBHOOK_URL=web.url,
            ALERT_SMTP_URL=f"smtp://bot:{SECRET}%40@127.0.0.1:{mails.port}",
            ALERT_EMAIL_TO="a@example.com, b@example.com",
            ALERT_EMAIL_FROM="ai_usage@example.com",
            AI_USAGE_UI_URL="https://dagster.example.com/ui/",
        ),
    ):
        instance = dg.DagsterInstance.ephemeral()
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(["core", "x"]), check_name="c", passed=False, description="3 USD are missing."
        )
        instance.report_runless_asset_event(evaluation)
        assert tick(automation.SENSORS[0], instance) == "1 news; 4 delivered"
        assert tick(automation.SENSORS[0], instance) == "no news"
    assert (len(slack.got), len(web.got), mails.to) == (1, 1, ["a@example.com", "b@example.com"])
    assert slack.got[0].path == SLACK_PATH
    assert web.got[0].body["items"][0]["link"] == (
        "https://dagster.example.com/ui/assets/core/x?view=checks&checkDetail=c"
    )
    _, mail = mails.got[0]
    assert (mail["from"], mail["subject"]) == ("ai_usage@example.com", "[ai_usage] FAILED c of core/x")
    assert "3 USD are missing." in mail.get_content()
    assert any(line.startswith("AUTH") for line in mails.commands)
    assert (tmp_path / "dagster" / "alerts.sqlite").exists()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept


def test_simulation_and_pseudonyms_are_as_the_environment_has_them(tmp_path: Path) -> None:
    salt = "0123456789abcdef"
    with hook() as web, environment(
        tmp_path, ALERT_WEBHOOK_URL=web.url, AI_USAGE_SIMULATE="1", AI_USAGE_PSEUDONYMS=salt
    ):  # fmt: skip
        instance = dg.DagsterInstance.ephemeral()
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(dg.AssetKey("x"), "c", passed=False, description="of Dev@example.com")
        )
        tick(automation.SENSORS[0], instance)
    [posted] = web.got
    assert posted.body["subject"] == "[ai_usage] SIMULATED FAILED c of x"
    assert posted.body["items"][0]["text"] == f"of {pseudonym('dev@example.com', salt)}"
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()).lower()
    assert b"dev@" not in kept
    assert salt.encode() not in kept


# The mail server.


def test_a_mail_url_has_host_port_user_and_password() -> None:
    assert MailServer.of("smtps://me%40x.test:p%40ss%2F@mail.test") == MailServer(
        "mail.test", 465, is_tls=True, user="me@x.test", password="p@ss/"
    )
    assert MailServer.of("smtp://mail.test") == MailServer("mail.test", 587, is_tls=False, user="", password="")
    assert MailServer.of("smtp://mail.test:25").port == 25


def test_a_password_is_not_sent_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_usage.alerts.mail.LOOPBACK", set())  # as if the server were elsewhere
    with post() as mails:
        with pytest.raises(Undelivered, match="offers no encryption"):
            Mail(server(mails.port, user="me", password=SECRET), "a@example.com").send(message())
        assert not any(line.startswith("AUTH") for line in mails.commands)
        mails.extensions = ("STARTTLS", "AUTH PLAIN")
        with pytest.raises(Undelivered, match="did not take"):  # it offers STARTTLS and fails
            Mail(server(mails.port, user="me", password=SECRET), "a@example.com").send(message())
        assert mails.commands[-1] == "STARTTLS"
        assert not any(line.startswith("AUTH") for line in mails.commands)


def test_tls_is_used_from_the_start_with_an_smtps_url(monkeypatch: pytest.MonkeyPatch) -> None:
    with post() as mails:
        with pytest.raises(Undelivered, match="cannot be reached"):
            Mail(server(mails.port, is_tls=True), "a@example.com").send(message())
        assert not any("EHLO" in line for line in mails.commands)
    assert Mail(server(1), "a@example.com").tls.verify_mode == ssl.CERT_REQUIRED


# Failures without a secret.

FAILURES = [
    ("slack", [404], "Slack did not take the message: status 404, no_service."),
    ("slack", [500] * 3, "Slack did not take the message: status 500, no_service."),
    ("slack", [302], "Slack did not take the message: status 302, no_service."),
    ("slack", [1.2] * 3, "Slack cannot be reached (ReadTimeout)."),
    ("webhook", [400], "The webhook did not take the message: status 400."),
    ("dead", [], "The webhook cannot be reached (ConnectError)."),
    ("AUTH", ["535 {} is wrong"] * 3, "The mail server did not take the message: status 535."),
    ("RCPT", ["550 {} no"], "The mail server did not take the message: status 550."),
    ("DATA", ["451 {} no"] * 3, "The mail server did not take the message: status 451."),
    ("CONNECT", ["rubbish {}"] * 3, "The mail server did not take the message: status -1."),
]


@pytest.mark.parametrize(("kind", "answers", "sentence"), FAILURES)
def test_no_failure_leaks_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], kind: str,
    answers: list[int | float | str], sentence: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Every logger at DEBUG; receivers that repeat what they received."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "stamina", "ai_usage"):
        caplog.set_level(logging.DEBUG, logger=name)
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS", 0.6)
    with hook(SLACK_PATH) as web, post() as mails:
        web.body = "no_service"
        web.answers = [one for one in answers if not isinstance(one, str)]
        if kind not in {"slack", "webhook", "dead"}:
            mails.answers[kind] = [str(one).format(SECRET) for one in answers]
        urls = {
            "slack": {"ALERT_SLACK_WEBHOOK_URL": web.url},
            "webhook": {"ALERT_WEBHOOK_URL": web.url},
            "dead": {"ALERT_WEBHOOK_URL": f"http://127.0.0.1:{dead_port()}/{SECRET}?key={SECRET}"},
        }.get(kind, {"ALERT_SMTP_URL": f"smtp://me:{SECRET}@127.0.0.1:{mails.port}", "ALERT_EMAIL_TO": "a@example.com"})
        with environment(tmp_path, **urls):
            instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "instance"))
            description = f"the key is {SECRET}, of {next(iter(urls.values()))}"
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(dg.AssetKey("x"), "c", passed=False, description=description)
            )
            skipped = tick(automation.SENSORS[0], instance)
            assert sentence in skipped
            assert "planted" not in repr(settings_module.settings())
    captured = capfd.readouterr()
    assert "planted" not in skipped + caplog.text + captured.out + captured.err
    kept = [path.read_bytes() for path in (tmp_path / "dagster").rglob("*") if path.is_file()]
    assert kept
    assert not any(SECRET.encode() in text for text in kept)


@pytest.mark.parametrize("channel", [Slack(f"https://h/{SECRET}"), Webhook(f"https://h/{SECRET}"),
                                     Mail(server(1, password=SECRET), "a@example.com")])  # fmt: skip
def test_a_channel_does_not_show_its_secret(channel: object) -> None:
    assert SECRET not in repr(channel)


def test_an_answer_of_slack_is_repeated_only_if_it_is_a_known_code() -> None:
    with hook() as web:
        web.answers, web.body = [404], f"{SECRET} <b>no</b>"
        with pytest.raises(Undelivered) as caught:
            Slack(web.url).send(message())
    assert str(caught.value) == "Slack did not take the message: status 404."


def test_an_error_of_a_channel_has_no_cause_that_could_leak() -> None:
    for channel in (Webhook(f"http://127.0.0.1:{dead_port()}/{SECRET}"), Mail(server(dead_port()), "a@example.com")):
        with pytest.raises(Undelivered) as caught:
            channel.send(message())
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__


def test_a_receivers_key_is_a_secret_too(tmp_path: Path) -> None:
    smtp = f"smtp://me:pass%20{SECRET}@h"
    with environment(tmp_path, ALERT_SMTP_URL=smtp, ALERT_EMAIL_TO="a@b.test", ALERT_WEBHOOK_URL="https://h/hook"):
        found = secrets()
    assert {smtp, f"pass%20{SECRET}", f"pass {SECRET}", "https://h/hook"} == set(found)
    assert found == sorted(found, key=len, reverse=True)


# Settings.

GOOD = {"ALERT_EMAIL_TO": "a@example.com"}
BAD = [
    (
        {"ALERT_SLACK_WEBHOOK_URL": f"hooks.slack.com/{SECRET}"},
        "ALERT_SLACK_WEBHOOK_URL is not of the form https://host",
    ),
    ({"ALERT_SLACK_WEBHOOK_URL": f"http://hooks.slack.com/{SECRET}"}, "ALERT_SLACK_WEBHOOK_URL is not of the form"),
    ({"ALERT_WEBHOOK_URL": f"https://me:{SECRET}@host/"}, "ALERT_WEBHOOK_URL has a user or password in it"),
    ({"ALERT_WEBHOOK_URL": f"https://host:port{SECRET}/"}, "ALERT_WEBHOOK_URL is not of the form"),
    ({"ALERT_WEBHOOK_URL": f"https://host/a b{SECRET}"}, "ALERT_WEBHOOK_URL is not of the form"),
    (
        {"ALERT_SMTP_URL": f"mail.example.com:{SECRET}", **GOOD},
        "ALERT_SMTP_URL is not of the form smtps://user:password",
    ),
    ({"ALERT_SMTP_URL": f"smtp://me:{SECRET}#x@mail.test", **GOOD}, "ALERT_SMTP_URL is not of the form"),
    ({"ALERT_SMTP_URL": f"smtp://me:{SECRET}/x@mail.test", **GOOD}, "ALERT_SMTP_URL is not of the form"),
    ({"ALERT_SMTP_URL": f"http://me:{SECRET}@127.0.0.1", **GOOD}, "ALERT_SMTP_URL is not of the form"),
    ({"ALERT_SMTP_URL": f"smtp://me:{SECRET}@mail.test"}, "ALERT_SMTP_URL is set and ALERT_EMAIL_TO is not"),
    ({"ALERT_EMAIL_TO": "a@example.com"}, "ALERT_EMAIL_TO is set and ALERT_SMTP_URL is not"),
    ({"ALERT_EMAIL_TO": f"smtp://me:{SECRET}@mail.test"}, "ALERT_EMAIL_TO must be at most 50 addresses"),
    ({"ALERT_EMAIL_TO": "a@b.test\r\nBcc: c@d.test"}, "ALERT_EMAIL_TO must be"),
    ({"ALERT_EMAIL_FROM": "a@b.test, c@d.test"}, "ALERT_EMAIL_FROM must be one address"),
    ({"AI_USAGE_UI_URL": "dagster"}, "AI_USAGE_UI_URL must be scheme, host"),
    ({"AI_USAGE_UI_URL": f"https://me:{SECRET}@host"}, "AI_USAGE_UI_URL must be scheme, host"),
    ({"AI_USAGE_PSEUDONYMS": "planted"}, "AI_USAGE_PSEUDONYMS is too short: write 16 or more"),
]


@pytest.mark.parametrize(("environ", "why"), BAD)
def test_a_bad_setting_is_one_sentence_without_a_secret(environ: dict[str, str], why: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings(environ)
    assert str(caught.value).startswith(why)
    assert "planted" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)  # these would quote the value


def test_what_is_well_formed_is_read() -> None:
    found = read_settings(
        {
            "ALERT_SLACK_WEBHOOK_URL": f"https://hooks.slack.com{SLACK_PATH}",
            "ALERT_WEBHOOK_URL": "http://localhost:8080/x?token=1",
            "ALERT_SMTP_URL": "smtps://me%40x.test:p%40ss@mail.test:465",
            "ALERT_EMAIL_TO": " a@b.test,c@d.test , a@b.test,",
        }
    )
    assert (found.has_slack_alerts, found.has_webhook_alerts, found.has_email_alerts) == (True, True, True)
    assert (found.email_to, found.email_from, found.ui_url) == (("a@b.test", "c@d.test"), "", "http://127.0.0.1:3000")
    assert SECRET not in repr(found)
    nothing = read_settings({})
    assert (nothing.has_slack_alerts, nothing.has_webhook_alerts, nothing.has_email_alerts) == (False,) * 3


def test_doctor_lists_each_channel_without_its_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with environment(
        tmp_path, ALERT_SLACK_WEBHOOK_URL=f"https://hooks.slack.com{SLACK_PATH}", ALERT_EMAIL_TO="a@b.test",
        ALERT_SMTP_URL=f"smtp://me:{SECRET}@mail.test",
    ):  # fmt: skip
        doctor.alerts(read_settings(dict(os.environ)))
    output = " ".join(capsys.readouterr().out.split())
    assert "✓ Slack: well-formed, at hooks.slack.com; nothing was sent" in output
    assert "– webhook: not configured. Set ALERT_WEBHOOK_URL." in output
    assert "✓ e-mail: well-formed, at mail.test, to 1 address" in output
    assert "Links in messages begin with http://127.0.0.1:3000, which opens on this machine only" in output
    assert "planted" not in output
    doctor.alerts(read_settings({}))
    assert "no channel is configured" in capsys.readouterr().out
