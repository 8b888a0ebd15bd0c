"""`make bigquery-check`: dry-runs every statement on the BigQuery project, and shows bytes and errors. It changes
nothing, and costs nothing.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from google.api_core.exceptions import GoogleAPICallError
from rich.markup import escape

from ai_usage.commands.bigquery_setup import project_of
from ai_usage.commands.bigquery_texts import Statement, every_statement
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.errors import WarehouseError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.bigquery.dry_run import bytes_read
from ai_usage.warehouse.bigquery.rights import answer_of
from ai_usage.warehouse.bigquery.tables import AT_ONCE, Place, labels_of
from ai_usage.warehouse.table import PULLS

SHOWN = 20  # of the statements that read the most
USD_PER_TEBIBYTE = 6.25  # on demand, in the US: Google's list price since July 2023


@dataclass(frozen=True)
class Found:
    """What BigQuery answered about a statement."""

    statement: Statement
    bytes: int = 0
    error: str = ""


def run(of: Settings, _: Sequence[str]) -> int:
    place = project_of(of)
    if labels_of(place, PULLS) is None:
        raise WarehouseError(
            f"BigQuery project {of.bigquery_project} has no tables yet, so no statement can be tried: "
            f"{COMMAND} bigquery-setup APPLY=1 makes them."
        )
    found = tried(place, every_statement(of))
    print_found(found, limit=of.bigquery_max_bytes)
    return 1 if any(one.error for one in found) else 0


def tried(place: Place, statements: Sequence[Statement]) -> list[Found]:
    """Each statement's bytes or error. Errors of the project or the credentials are raised as one sentence."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: _try(place, one), statements))


def _try(place: Place, statement: Statement) -> Found:
    call = partial(bytes_read, place.jobs, statement.text, statement.parameters)
    try:
        return Found(statement, place.jobs.request(call, known=GoogleAPICallError))
    except GoogleAPICallError as error:
        return Found(statement, error=answer_of(error))


def print_found(found: Sequence[Found], *, limit: int) -> None:
    for kind in dict.fromkeys(one.statement.kind for one in found):
        of_kind = [one for one in found if one.statement.kind == kind]
        wrong = sum(bool(one.error) for one in of_kind)
        mark = "[red]✗[/]" if wrong else "[green]✓[/]"
        errors = f", {wrong} with an error" if wrong else ""
        OUT.print(f"  {mark} {kind}: {_counted(of_kind)}, {_size(sum(one.bytes for one in of_kind))}{errors}")
    largest = sorted((one for one in found if one.bytes), key=lambda one: -one.bytes)[:SHOWN]
    if largest:
        OUT.print("Those that read the most:")
    for one in largest:
        mark = "[red]![/]" if one.bytes > limit else " "
        OUT.print(f"  {mark} {_size(one.bytes):>12}  {one.statement.kind} {escape(one.statement.name)}", soft_wrap=True)
    for one in found:
        if one.error:
            ERR.print(
                f"[red]✗[/] {one.statement.kind} {escape(one.statement.name)}: {escape(one.error)}", soft_wrap=True
            )
    total = sum(one.bytes for one in found)
    usd = total / 2**40 * USD_PER_TEBIBYTE
    OUT.print(
        f"{_counted(found)}, {_size(total)} if each ran once: ${usd:,.4f} on demand. BIGQUERY_MAX_BYTES_BILLED "
        f"is {_size(limit)} a statement.",
        soft_wrap=True,
    )


def _counted(found: Sequence[Found]) -> str:
    return f"{len(found)} statement{'' if len(found) == 1 else 's'}"


def _size(count: float) -> str:
    """Bytes in the unit that Google bills."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,.0f} {unit}"
        count /= 1024
    return f"{count:,.1f} TiB"
