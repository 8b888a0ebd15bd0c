"""`python -m ai_usage.commands watch`: the watchdog, beside webserver and daemon, until it is stopped; with --once, one
look, as cron would have it. It alerts where nothing else can.
"""

import logging
import time
from collections.abc import Iterator, Sequence

import dagster as dg

from ai_usage.alerts.resource import alerts_of
from ai_usage.automation.watchdog import SECONDS, Looked, Watchdog
from ai_usage.commands.data_folder import has_instance, prepare_instance, use_instance
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.settings import Settings
from ai_usage.warehouse.published_people import redaction

LOG = logging.getLogger("ai_usage.watchdog")


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("watch", __doc__)
    arguments.add_argument("--once", action="store_true", help="look once and end; exit code 1 if that failed")
    arguments.add_argument("--seconds", type=float, default=SECONDS, help="between two looks")
    arguments.add_argument(
        "--runs-elsewhere",
        action="store_true",
        help="runs are processes of another container: the sensors there end dead ones, since here none is seen",
    )
    asked = arguments.parse_args(argv)
    logging.basicConfig(format="%(asctime)s - %(levelname)s - watchdog: %(message)s")
    if has_instance(of):
        use_instance(of)  # a deployment's own stays as it is
    else:
        prepare_instance(of)
    if not asked.once:
        OUT.print(f"The watchdog looks every {asked.seconds:.0f} s.")
    known: set[str] = set()
    while True:
        is_good = look(of, known, ends_the_dead=not asked.runs_elsewhere)
        if asked.once:
            return 0 if is_good else 1
        time.sleep(asked.seconds)


def look(of: Settings, known: set[str], *, ends_the_dead: bool = True) -> bool:
    """One look. Errors are logged, and the next look tries again."""
    try:
        looked = Watchdog(of, alerts_of(of), dg.DagsterInstance.get, ends_the_dead=ends_the_dead).look()
    except Exception as error:  # noqa: BLE001 - nothing watches the watchdog itself
        redact = redaction(of)
        LOG.error("could not look: %s", redact(f"{type(error).__name__}: {error}"))  # noqa: TRY400 - no secret in it
        return False
    found = set(words_of(looked))
    for words in sorted(found - known):
        LOG.warning("%s", words)
    known.clear()
    known.update(found)
    return True


def words_of(looked: Looked) -> Iterator[str]:
    """The texts to log, each once while it lasts."""
    for trouble in looked.troubles:
        yield f"{trouble.title}. {trouble.text}"
    for report in looked.reports:
        yield from report.given_up
        yield from (f"{channel} is waiting: {why}" for channel, why in report.waiting.items())
