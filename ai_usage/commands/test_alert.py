"""`make test-alert`: sends one message to each channel, to see whether it arrives. It is not retried."""

from collections.abc import Sequence

from rich.markup import escape

from ai_usage.alerts.channels import Channel, Undelivered
from ai_usage.alerts.message import Message, compose
from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.resource import alerts_of
from ai_usage.alerts.runbook import OPENS_HERE_ONLY, opens_here_only
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings

CHANNELS = "ALERT_SLACK_WEBHOOK_URL, ALERT_WEBHOOK_URL, or ALERT_SMTP_URL with ALERT_EMAIL_TO"


def run(of: Settings, argv: Sequence[str]) -> int:
    parser("test-alert", __doc__).parse_args(argv)
    alerts = alerts_of(of)
    if not alerts.channels:
        raise SettingError(f"No channel is configured: set {CHANNELS}.")
    test = News(
        key=f"test alert at {of.now().isoformat()}",
        severity=Severity.NOTICE,
        title="Test alert",
        topic="test_alert",
        text=f"Someone ran {COMMAND} test-alert. Alerts of this installation arrive here.",
        link=of.ui_url,
    )
    [message] = compose([test], is_simulated=alerts.is_simulated, redact=alerts.outbox.redaction, ui_url=alerts.ui_url)
    if opens_here_only(of):
        OUT.print(f"  [yellow]![/] {OPENS_HERE_ONLY.format(of.ui_url)}", soft_wrap=True)
    return 0 if all([_is_sent(channel, message) for channel in alerts.channels]) else 1  # noqa: C419 - ask them all


def _is_sent(channel: Channel, message: Message) -> bool:
    try:
        channel.send(message)
    except Undelivered as error:
        OUT.print(f"  [red]✗[/] {escape(channel.name)}: {escape(str(error))}", soft_wrap=True)
        return False
    OUT.print(f"  [green]✓[/] {escape(channel.name)} took the message: look whether it is there.", soft_wrap=True)
    return True
