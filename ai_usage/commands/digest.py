"""`make digest`: prints the weekly digest as it would be sent now; SEND=1 sends it to the alert channels, too."""

import time
from collections.abc import Sequence

from rich.markup import escape

from ai_usage.alerts.message import compose
from ai_usage.alerts.resource import alerts_of
from ai_usage.automation.digest_news import SOURCE, digest_of
from ai_usage.commands.terminal import OUT
from ai_usage.commands.test_alert import CHANNELS
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("digest", __doc__)
    arguments.add_argument("--send", action="store_true")
    is_to_be_sent = arguments.parse_args(argv).send
    alerts = alerts_of(of)
    if is_to_be_sent and not alerts.channels:
        raise SettingError(f"No channel is configured: set {CHANNELS}.")
    found = digest_of(of, f"{SOURCE} by hand {time.time_ns()}")
    if found is None:
        raise SettingError(f"There is nothing to report yet: {COMMAND} demo, or {COMMAND} backfill.")
    [message] = compose([found], is_simulated=alerts.is_simulated, redact=alerts.outbox.redaction)
    OUT.print(f"{message.subject}\n\n{message.text}", markup=False, highlight=False, soft_wrap=True)
    if not is_to_be_sent:
        return 0
    report = alerts.send([found])
    for channel, why in report.waiting.items():
        OUT.print(f"  [red]✗[/] {escape(channel)}: {escape(why)} The daemon tries again.", soft_wrap=True)
    OUT.print(f"Sent to {report.delivered} of {len(alerts.channels)} channels.")
    return 1 if report.waiting else 0
