"""The `alerts` resource: the channels of an installation, out of its settings."""

from datetime import timedelta

from ai_usage.alerts.channels import Channel, Slack, Webhook
from ai_usage.alerts.delivery import Alerts
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.outbox import Outbox
from ai_usage.settings import Settings, secret
from ai_usage.warehouse.data_origin import shows_simulated_data
from ai_usage.warehouse.published_people import redaction

FILE = "alerts.sqlite"


def alerts_of(of: Settings) -> Alerts:
    """The channels that the settings name, with the secrets of this process's environment."""
    channels: list[Channel] = []
    if of.has_slack_alerts:
        channels.append(Slack(secret("ALERT_SLACK_WEBHOOK_URL")))
    if of.has_webhook_alerts:
        channels.append(Webhook(secret("ALERT_WEBHOOK_URL")))
    if of.has_email_alerts:
        server = MailServer.of(secret("ALERT_SMTP_URL"))
        channels += [Mail(server, to, of.email_from) for to in of.email_to]
    # Beside Dagster's own state, because its cursors count the events there: delete both together.
    outbox = Outbox(of.dagster_home / FILE, redaction(of), timedelta(days=of.messages_kept_days))
    return Alerts(outbox, channels, of.now, shows_simulated_data(of), of.ui_url)
