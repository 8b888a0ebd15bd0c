"""`make reopen MONTH=… BY=… NOTE=…`: opens a closed month again, of one provider or of all that are closed. The reason
is kept beside the close, which stays in the ledger.
"""

from collections.abc import Sequence

from rich.markup import escape

from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.commands.month_acts import MARTS, asked_of, build, known_providers, print_refusals, rows_of
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.core.closing import REOPEN, Act, record
from ai_usage.errors import SettingError
from ai_usage.settings import Settings
from ai_usage.warehouse.origin import is_simulated


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("reopen", __doc__)
    for name, what in (
        ("month", "MONTH, such as 2026-09"),
        ("by", "BY, the e-mail address of the person who reopens it"),
        ("provider", "PROVIDER; without it, every provider with a closed month"),
        ("note", "NOTE, the reason"),
    ):
        arguments.add_argument(name, nargs="?", default="", help=what)
    asked = asked_of(arguments.parse_args(argv), "reopen")
    if not asked.note:
        raise SettingError("NOTE must have the reason: a closed month is reopened for one.")
    warehouse = warehouse_of(of)
    try:
        with warehouse.connected():
            build(warehouse, MARTS)
            rows = rows_of(warehouse, asked)
            known_providers(asked, rows)
            closed = [row["provider"] for row in rows if row["status"] == "closed"]
            if not closed:
                return print_refusals(asked, {row["provider"]: "it is not closed" for row in rows})
            acts = [
                Act(act=REOPEN, month=asked.month, provider=provider, acted_by_email=asked.by, note=asked.note)
                for provider in closed
            ]
            record(warehouse, acts, is_simulated=bool(is_simulated(warehouse)))
            build(warehouse, MARTS)
    finally:
        warehouse.publish()
    OUT.print(f"{asked.month} is open again for {', '.join(closed)}: {escape(asked.note)}", soft_wrap=True)
    return 0
