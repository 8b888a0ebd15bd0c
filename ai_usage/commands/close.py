"""`make close MONTH=… BY=…`: closes a month, of one provider or of all that have cost in it. A frozen copy of its
figures is kept in the ledger, and later changes are listed against it. A month that is not ready is not closed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.markup import escape

from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.commands.month_acts import MARTS, asked_of, build, known_providers, print_refusals, rows_of
from ai_usage.commands.terminal import OUT
from ai_usage.commands.typed import parser
from ai_usage.core.closing import CLOSE, Act, frozen_of, record
from ai_usage.errors import SettingError
from ai_usage.partitions import Span
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.origin import is_simulated
from ai_usage.warehouse.port import Warehouse

ACCEPT = "accept"
UNEXPLAINED = "unexplained"  # in the reason of a month that is open only because of an unexplained variance
FROZEN = """
select account, kind, activity_date, billed_usd
from ai_usage_analytics.billed_by_kind
where
    provider = @provider
    and activity_date between @first_day and @last_day
order by activity_date, account, kind, billed_currency
"""


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("close", __doc__)
    for name, what in (
        ("month", "MONTH, such as 2026-09"),
        ("by", "BY, the e-mail address of the person who closes it"),
        ("provider", "PROVIDER; without it, every provider with cost in the month"),
        ("note", "NOTE, in your words"),
        ("unexplained", f"UNEXPLAINED={ACCEPT} closes a month with an unexplained difference; it needs a NOTE"),
    ):
        arguments.add_argument(name, nargs="?", default="", help=what)
    typed = arguments.parse_args(argv)
    asked = asked_of(typed, "close")
    if typed.unexplained not in {"", ACCEPT}:
        raise SettingError(f"UNEXPLAINED={typed.unexplained}: the only value is {ACCEPT}.")
    if typed.unexplained and not asked.note:
        raise SettingError(f"UNEXPLAINED={ACCEPT} needs a NOTE with what is accepted and why.")
    warehouse = warehouse_of(of)
    try:
        with warehouse.connected():
            build(warehouse, MARTS)
            rows = rows_of(warehouse, asked)
            known_providers(asked, rows)
            reasons = {row["provider"]: _refusal(row, accepts=bool(typed.unexplained)) for row in rows}
            refusals = {provider: reason for provider, reason in reasons.items() if reason}
            if refusals:
                return print_refusals(asked, refusals)
            acts = [_act(warehouse, row, asked.by, asked.note, asked.span) for row in rows]
            record(warehouse, acts, is_simulated=bool(is_simulated(warehouse)))
            build(warehouse, MARTS)
    finally:
        warehouse.publish()
    _print(acts, asked.month, asked.by)
    return 0


def _refusal(row: Mapping[str, Any], *, accepts: bool) -> str:
    """Why a provider's month cannot be closed; empty if it can."""
    if row["status"] == "closed":
        return (
            f"it is closed already, by {row['closed_by_email']} on {row['closed_at']:%Y-%m-%d %H:%M} UTC; "
            f"{COMMAND} reopen first, if it is to be closed anew"
        )
    if row["status"] == "ready" or (accepts and _is_unexplained_alone(row)):
        return ""
    if accepts and UNEXPLAINED in (row["status_reason"] or ""):
        return f"{row['status_reason']}, and not all of its days are known and final"
    return str(row["status_reason"])


def _is_unexplained_alone(row: Mapping[str, Any]) -> bool:
    """Whether the month is open only because of an unexplained variance."""
    return bool(UNEXPLAINED in (row["status_reason"] or "") and row["is_final"])


def _act(warehouse: Warehouse, row: Mapping[str, Any], by: str, note: str | None, days: Span) -> Act:
    unexplained = [row[name] for name in ("unexplained_usd", "invoice_unexplained_usd") if row[name] is not None]
    lines = warehouse.ask(FROZEN, provider=row["provider"], first_day=days.first, last_day=days.last).to_dicts()
    return Act(
        act=CLOSE,
        month=row["month"],
        provider=row["provider"],
        acted_by_email=by,
        note=note,
        is_unexplained_accepted=row["status"] != "ready",
        figure_usd=_text(row["figure_usd"]),
        invoice_usd=_text(row["invoice_usd"]),
        unexplained_usd=_text(sum(unexplained, Decimal()) if unexplained else None),
        frozen=frozen_of(lines),
    )


def _text(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"


def _print(acts: Sequence[Act], month: str, by: str) -> None:
    for act in acts:
        frozen = sum((Decimal(usd) for of in act.frozen for usd in of.days.values()), Decimal())
        accepted = f", unexplained {act.unexplained_usd} USD accepted" if act.is_unexplained_accepted else ""
        OUT.print(f"  · {act.provider:<12}{frozen:>18,.2f} USD{accepted}", soft_wrap=True)
    OUT.print(
        f"{month} is closed by {escape(by)}. {COMMAND} statements MONTH={month} writes its statements.", soft_wrap=True
    )
