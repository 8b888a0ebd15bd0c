"""The channels of an installation, out of its settings. Secrets are named here and read where they are used."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import dagster as dg

from ai_usage.alerts.channels import Channel, Slack, Webhook
from ai_usage.alerts.delivery import Alerts
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.outbox import Outbox
from ai_usage.discretion import Discretion
from ai_usage.settings import Settings, secrets, settings
from ai_usage.warehouse.duckdb import shows_simulated_data
from ai_usage.warehouse.people import people_of

FILE = "alerts.sqlite"


class AlertsResource(dg.ConfigurableResource[Alerts]):
    """Hands a sensor whom to tell."""

    slack_url: str = ""
    webhook_url: str = ""
    smtp_url: str = ""
    salt: str = ""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Alerts]:
        of = settings()
        channels: list[Channel] = []
        if self.slack_url:
            channels.append(Slack(self.slack_url.strip()))
        if self.webhook_url:
            channels.append(Webhook(self.webhook_url.strip()))
        if self.smtp_url:
            server = MailServer.of(self.smtp_url.strip())
            channels += [Mail(server, to, of.email_from) for to in of.email_to]
        # Beside Dagster's own state, whose events it counts: who deletes one deletes both.
        discretion = Discretion(secrets(), self.salt.strip(), people_of(of))
        outbox = Outbox(of.dagster_home / FILE, discretion, timedelta(days=of.messages_kept_days))
        yield Alerts(outbox, channels, of.now, shows_simulated_data(of))


def alerts(of: Settings) -> AlertsResource:
    """The resource; secrets are named, not held."""
    return AlertsResource(
        slack_url=dg.EnvVar("ALERT_SLACK_WEBHOOK_URL") if of.has_slack_alerts else "",
        webhook_url=dg.EnvVar("ALERT_WEBHOOK_URL") if of.has_webhook_alerts else "",
        smtp_url=dg.EnvVar("ALERT_SMTP_URL") if of.has_email_alerts else "",
        salt=dg.EnvVar("AI_USAGE_PSEUDONYMS") if of.has_pseudonyms else "",
    )
