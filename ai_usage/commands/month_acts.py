"""Shared by `close` and `reopen`: the requested month, its rows, and the tables that show the close."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.markup import escape

from ai_usage.commands.months import month_span
from ai_usage.commands.terminal import ERR
from ai_usage.core.closing import build_closes
from ai_usage.errors import SettingError
from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage.places import COMMAND
from ai_usage.settings import ADDRESS
from ai_usage.sheet import cells
from ai_usage.warehouse.port import Warehouse

# In the order in which they read each other. All are monthly tables: small, and built in a moment.
MARTS = ("month_differences", "month_reconciliation", "closed_month_changes", "month_close")
ROWS = """
select
    closing.*,
    coalesce(differences.is_final, false) as is_final
from ai_usage_analytics.month_close as closing
left join ai_usage_analytics.month_differences as differences
    on
        closing.provider = differences.provider
        and closing.month = format_date('%Y-%m', differences.month_start)
where closing.month = @month
order by closing.provider
"""


@dataclass(frozen=True)
class Asked:
    """The month, the provider (None: all), the person who acts, and the reason."""

    month: str
    span: Span
    provider: str | None
    by: str
    note: str | None


def asked_of(typed: argparse.Namespace, command: str) -> Asked:
    """The typed arguments; `SettingError` names what is missing or invalid."""
    if not typed.month:
        raise SettingError(f"Which month? Write {COMMAND} {command} MONTH=2026-09 BY=you@example.com.")
    by = typed.by.strip().lower()
    if not ADDRESS.fullmatch(by):
        raise SettingError(
            f"BY must be the e-mail address of the person who does it: {COMMAND} {command} MONTH={typed.month} "
            "BY=ada@example.com."
        )
    try:
        provider = cells.provider(typed.provider) if typed.provider else None
    except cells.BadCell as error:
        raise SettingError(f"PROVIDER={typed.provider} {error}.") from error
    return Asked(typed.month, month_span(typed.month), provider, by, typed.note.strip() or None)


def build(warehouse: Warehouse, names: Sequence[str]) -> None:
    """Build the acts' tables and these marts from the warehouse."""
    build_closes(warehouse)
    found = {mart.table.name: mart for mart in marts()}
    for name in names:
        rebuild_whole(warehouse, found[name])


def rows_of(warehouse: Warehouse, asked: Asked) -> list[dict[str, Any]]:
    """The month's rows of `month_close`, for the requested provider or all."""
    rows = warehouse.ask(ROWS, month=asked.month).to_dicts()
    return [row for row in rows if asked.provider in {None, row["provider"]}]


def known_providers(asked: Asked, rows: Sequence[Mapping[str, Any]]) -> None:
    """`SettingError` if there is nothing to close."""
    if not rows:
        who = f"{asked.provider} has" if asked.provider else "no provider has"
        raise SettingError(f"Nothing is known of {asked.month}: {who} a day or a figure of it.")


def print_refusals(asked: Asked, refusals: Mapping[str, str]) -> int:
    """Print every reason. Returns exit code 2: nothing was written."""
    ERR.print(f"{asked.month} was left as it is:", soft_wrap=True)
    for provider, reason in refusals.items():
        ERR.print(f"[bold red]✗[/] {provider}: {escape(reason)}", soft_wrap=True)
    return 2
