"""`make as-of AT=… FROM=… TO=…`: what was known about some days at an instant, and what changed since. The warehouse as
of then is written to a DuckDB file for any SQL tool.
"""

import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.table import Table as Grid

from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.commands.as_of_world import (
    BlockedByProvider,
    Past,
    Spend,
    blocked_by_provider,
    differences,
    rebuilt,
    spend_in,
    usage_known,
)
from ai_usage.commands.backfill import asked_day, asked_span
from ai_usage.commands.coverage import named, not_pulled, print_gaps, pulled
from ai_usage.commands.refresh import Outcome, print_troubles
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.errors import SettingError, WarehouseError
from ai_usage.partitions import Span, runs_of_days
from ai_usage.redaction import KnownPeople, Redaction
from ai_usage.settings import Settings, pseudonym_salt
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.nameless import write_nameless
from ai_usage.warehouse.open import is_there, place_of
from ai_usage.warehouse.people import known_people
from ai_usage.warehouse.port import Warehouse

FOLDER = "as_of"
AT_MOST = 40  # lines of days that differ


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("as-of", __doc__)
    optional: Any = {"nargs": "?", "default": ""}
    arguments.add_argument("at", **optional, help="AT, an instant with its time zone: 2026-11-05T06:00:00Z; else now")
    arguments.add_argument("first", **optional, help="FROM, the first UTC day: 2026-10-01; else the month's first")
    arguments.add_argument("last", **optional, help="TO, the last UTC day, included; else yesterday")
    asked = arguments.parse_args(argv)
    at, span = _instant(asked.at) if asked.at else of.now(), _span(of, asked.first, asked.last)
    if not is_there(of):
        ERR.print(f"Nothing was ever pulled into {place_of(of)}.", soft_wrap=True)
        return 1
    ledger = warehouse_of(of, is_read_only=True)
    [first], [last], [is_simulated] = ledger.ask(
        "select min(pulled_at) as a, max(pulled_at) as b, logical_or(is_simulated) as c from ai_usage_raw.pulls"
    ).to_dict(as_series=False).values()  # fmt: skip
    if first is None or at < first:
        began = f"the first pull was at {_shown(first)}" if first else f"nothing was ever pulled into {place_of(of)}"
        ERR.print(f"Nothing was known at {_shown(at)}: {began}.", soft_wrap=True)
        return 1
    if at > of.now():
        OUT.print(f"{_shown(at)} is in the future: this is what is known now, by the last pull at {_shown(last)}.")
        at = last
    target = of.data_dir / FOLDER / f"{_named(at)}_{span.first}_{span.last}.duckdb"
    is_proven = _report(ledger, at, span, target, title="SIMULATED DATA, " * bool(is_simulated))
    return 0 if print_gaps(of, pulled(ledger, span), span) and is_proven else 1


def _span(of: Settings, first: str, last: str) -> Span:
    """The days that a person typed; by default, the month up to yesterday."""
    to = last or str(of.yesterday())
    return asked_span(of, first or str(max(asked_day("TO", to).replace(day=1), of.start_date)), to)


def _report(ledger: Warehouse, at: datetime, span: Span, target: Path, *, title: str) -> bool:
    """Print the report and write the file. True if the report was verified."""
    with _folder(target.parent) as scratch:
        past = rebuilt(ledger, at, span, into=Path(scratch) / target.name)
        if past.failures:
            print_troubles(Outcome(failures=dict(past.failures)))
            ERR.print("These days cannot be rebuilt as of then: nothing was written.")
            return False
        with ledger.connected(), past.world.connected():
            then, now = spend_in(past.world, span), spend_in(ledger, span)
            OUT.print()
            OUT.rule(f"[bold]{title}{span.first} to {span.last} as known at {_shown(at)}[/]")
            OUT.print(_totals(then, now))
            _print_changes(then, now)
            _print_gaps(not_pulled(ledger, past.world, span), past.blocked)
            is_proven = _print_proof(ledger, past, then, at, span)
            _print_what_is_behind(ledger, now, span)
        made = Path(scratch) / target.name
        made = _nameless(ledger, past.world, made.with_suffix(".nameless")) if pseudonym_salt() else made
        made.chmod(0o400)
        made.replace(target)
    OUT.rule()
    what = "Core and marts, with pseudonyms for people" if pseudonym_salt() else "The whole warehouse as of then"
    OUT.print(f"{what}, for any SQL tool: {target}", soft_wrap=True)
    return is_proven


def _nameless(ledger: Warehouse, world: Warehouse, into: Path) -> Path:
    """A copy of the world in which people have pseudonyms: those known then, and those known now."""
    then, now = known_people(world), known_people(ledger)
    people = KnownPeople({**now.addresses, **then.addresses}, {**now.keys, **then.keys})
    assert isinstance(world, DuckDBWarehouse)  # noqa: S101 - what as_of leaves is a file
    write_nameless(world, into, Redaction(salt=pseudonym_salt(), people=lambda: people))
    return into


def _totals(then: Spend, now: Spend) -> Grid:
    grid = _grid("Billed, USD", "known then", "known now", "difference")
    providers = sorted({provider for _, provider in {*then.billed, *now.billed}})
    for name, among in [*((p, {p}) for p in providers), ("total", set(providers))]:
        sums = [sum((usd for (_, p), usd in s.billed.items() if p in among), Decimal()) for s in (then, now)]
        grid.add_row(name, *_amounts(*sums))
    return grid


def _print_changes(then: Spend, now: Spend) -> None:
    changed = differences(then.billed, now.billed)
    moved = [key for key in {*then.owners, *now.owners} - {*changed} if then.owners.get(key) != now.owners.get(key)]
    if changed:
        grid = _grid("Days that differ, largest difference first", "", "known then", "known now", "difference")
        for day, provider in changed[:AT_MOST]:
            pair = (s.billed.get((day, provider)) for s in (then, now))
            grid.add_row(str(day), provider, *_amounts(*pair))
        OUT.print(grid)
        if len(changed) > AT_MOST:
            OUT.print(f"  … and {len(changed) - AT_MOST} more.")
    elif not moved:
        OUT.print("Nothing has changed since.")
    if moved:
        OUT.print(
            f"Equal in sum, but with other keys, people or teams now: {_days(day for day, _ in moved)}.", soft_wrap=True
        )


def _print_gaps(unpulled: dict[tuple[str, str | None], list[date]], blocked: BlockedByProvider) -> None:
    for (provider, account), days in unpulled.items():
        if days:
            OUT.print(f"[yellow]Not yet pulled then[/], {named(provider, account)}: {_days(days)}", soft_wrap=True)
    for (day, provider), checks in sorted(blocked.items()):
        if day not in unpulled.get((provider, None), []):
            why = f"{day} ({', '.join(checks)}); its last good version, if any, counts."
            OUT.print(f"[yellow]Blocked then[/], {provider}: {why}", soft_wrap=True)


def _print_proof(ledger: Warehouse, past: Past, then: Spend, at: datetime, span: Span) -> bool:
    """Whether the rebuilt usage equals exactly the sum of the ledger's versions and what `spend_as_of` returns."""
    known, published = usage_known(past.world, at, span), usage_known(ledger, at, span)
    wrong = [key for key in differences(then.usage, known) if key not in past.blocked]
    for day, provider in wrong:
        ERR.print(
            f"[bold red]✗ {day} {provider}[/] ai_spend was rebuilt with {_usd(then.usage.get((day, provider)))} "
            f"of usage, spend_as_of returns {_usd(known.get((day, provider)))}",
            soft_wrap=True,
        )
    stale = sorted(key for key in {*known, *published} if known.get(key) != published.get(key))
    if stale:
        ERR.print(
            f"[bold red]✗ spend_as_of[/] in the warehouse differs on {_days(day for day, _ in stale)}: "
            "materialize core/spend_versions over these days.",
            soft_wrap=True,
        )
    if not wrong and not stale:
        OUT.print(f"Usage equals spend_as_of, day by day and to the last digit: {_usd(sum(known.values(), Decimal()))}")
    return not wrong and not stale


def _print_what_is_behind(ledger: Warehouse, now: Spend, span: Span) -> None:
    behind = differences(now.usage, usage_known(ledger, datetime.max.replace(tzinfo=UTC), span))
    if behind:
        blocked = blocked_by_provider(ledger, span)
        why = "blocked" if all(key in blocked for key in behind) else "not rebuilt since the last pull, or blocked"
        days = _days(day for day, _ in behind)
        OUT.print(f"[yellow]ai_spend is behind the ledger now[/], {why}: {days}", soft_wrap=True)


def _folder(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(dir=folder, prefix=".building-")
    except OSError as error:
        raise WarehouseError(
            f"{folder} cannot be written ({error.strerror}). Set AI_USAGE_DATA_DIR to a folder you may write."
        ) from error


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"AT={text} is not an instant; write for example AT=2026-11-05T06:00:00Z.") from error
    if at.tzinfo is None:
        raise SettingError(f"AT={text} is without a time zone; write for example AT={at.isoformat()}Z.")
    return at.astimezone(UTC)


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}{f'.{at:%f}' * bool(at.microsecond)} UTC"


def _named(at: datetime) -> str:
    """The instant for a file's name: no colon, which Windows and FAT refuse."""
    return f"{at:%Y-%m-%dT%H%M%S}{f'_{at:%f}' * bool(at.microsecond)}Z"


def _grid(title: str, *columns: str) -> Grid:
    grid = Grid(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    grid.add_column("", min_width=12)
    for column in columns:
        grid.add_column(column, justify="right" if column else "left", min_width=12)
    return grid


def _amounts(then: Decimal | None, now: Decimal | None) -> tuple[str, str, str]:
    difference = (now or Decimal()) - (then or Decimal())
    is_small = difference and not difference.quantize(Decimal("0.01"))
    return _usd(then), _usd(now), f"{difference:+f}" if is_small else f"{difference:+,.2f}"


def _usd(amount: Decimal | None) -> str:
    return "–" if amount is None else f"{amount:,.2f}"


def _days(days: Iterable[date]) -> str:
    return ", ".join(str(span) for span in runs_of_days(list(days)))
