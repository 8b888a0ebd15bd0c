"""`make metabase`: the boards of dashboards/ in Metabase. Shows what would change; APPLY=1 changes it."""

import difflib
import json
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.cards import Engine
from ai_usage.dashboards.metabase.client import Metabase
from ai_usage.dashboards.metabase.plan import Edit, Found, Step
from ai_usage.dashboards.metabase.provision import Provision, bigquery_database, duckdb_database
from ai_usage.dashboards.metabase.wanted import SIMULATED, Wanted, in_dataset, wanted
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.ingest.http.retry import Patience
from ai_usage.places import COMMAND, ROOT
from ai_usage.settings import Settings
from ai_usage.warehouse.data_origin import data_are_simulated
from ai_usage.warehouse.nameless_views import NAMELESS
from ai_usage.warehouse.open import place_of
from ai_usage.warehouse.table import ANALYTICS

PATIENCE = Patience(attempts=6, seconds=120)
SIGNS = {"create": "[green]+[/]", "change": "[yellow]~[/]", "archive": "[red]-[/]"}
TO_DO = {"create": "to make", "change": "to change", "archive": "to archive"}
DONE = {"create": "made", "change": "changed", "archive": "archived"}
LONG = 100  # characters of a field shown on one line


class _ServiceAccount(msgspec.Struct):
    private_key: str


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("metabase", __doc__)
    arguments.add_argument("apply", nargs="?", default="", help="APPLY=1 writes; without it nothing is written")
    answer = arguments.parse_args(argv).apply
    if answer not in {"", "0", "1"}:
        raise SettingError(f"APPLY={answer} is neither 1 nor 0; write {COMMAND} metabase APPLY=1.")
    refuse_unconfigured(of)
    is_simulated = _is_simulated(of)
    database, hidden = database_of(of)
    key = os.environ["METABASE_API_KEY"].strip()
    with closing(Metabase.open(url=of.metabase_url, key=key, patience=PATIENCE, hidden=hidden)) as metabase:
        metabase.refuse_unready()
        OUT.print(f"Metabase at {metabase.url}", markup=False, soft_wrap=True)
        if is_simulated:
            OUT.print(f"[bold red]{SIMULATED}[/]: the names of cards and dashboards show it.")
        return bring(Provision(metabase, definitions(of, is_simulated=is_simulated), database), is_wanted=answer == "1")


def bring(provision: Provision, *, is_wanted: bool) -> int:
    """Shows the differences, and with `is_wanted` writes them. Returns 1 if Metabase still differs afterwards."""
    found = provision.look()
    todo = provision.steps(found)
    tell_steps(todo)
    tell_rest(found, provision)
    if not todo:
        OUT.print("Nothing to change.")
    elif not is_wanted:
        OUT.print(f"Nothing was written: {_counted(todo, TO_DO)}. {COMMAND} metabase APPLY=1 does it.")
    else:
        _write(provision, found, todo)
        found = provision.look()
        if still := provision.steps(found):
            ERR.print("Metabase took every write, and holds something else than was sent:", soft_wrap=True)
            tell_steps(still)
            return 1
    for name, address in provision.addresses(found):
        OUT.print(f"  {name}: {address}", markup=False, soft_wrap=True)
    return 0


def _write(provision: Provision, found: Found, todo: Sequence[Step]) -> None:
    done: list[Step] = []
    try:
        provision.apply(found, report=done.append)
    except AiUsageError:
        ERR.print(
            f"{len(done)} of {len(todo)} steps are done; {COMMAND} metabase APPLY=1 goes on from there.",
            soft_wrap=True,
        )
        raise
    OUT.print(f"Written: {_counted(done, DONE)}.")


def tell_steps(todo: Sequence[Step]) -> None:
    for step in todo:
        OUT.print(f"{SIGNS[step.verb]} ", end="")
        OUT.print(f"{step.model} {step.name}", markup=False, soft_wrap=True)
        for edit in step.edits:
            for line in edit_lines(edit):
                OUT.print(f"    {line}", markup=False, soft_wrap=True)


def tell_rest(found: Found, provision: Provision) -> None:
    """Print what is not ours, and what we cannot change."""
    for item in found.left_alone:
        OUT.print(f"  {item.model} {item.name}: not ours, left alone", markup=False, soft_wrap=True)
    wanted_file = provision.database["details"].get("database_file")
    file = (found.database.details or {}).get("database_file") if found.database else None
    if found.database and file and wanted_file and file != wanted_file:
        OUT.print(
            f"  database {found.database.name} reads {file}, METABASE_DUCKDB_FILE is {wanted_file}: "
            "if that is wrong, change it in Metabase. It is never changed from here.",
            markup=False,
            soft_wrap=True,
        )


def edit_lines(edit: Edit) -> Iterator[str]:
    """Old → new; for long texts, only the lines that differ."""
    old, new = _text(edit.old), _text(edit.new)
    if max(len(old), len(new)) <= LONG and "\n" not in old + new:
        yield f"{edit.what}: {old} → {new}"
        return
    yield f"{edit.what}:"
    for line in list(difflib.unified_diff(_lines(old), _lines(new), lineterm="", n=1))[2:]:
        if not line.startswith("@@"):
            yield f"  {line}"


def _text(value: object) -> str:
    if value is None:
        return "(nothing)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _lines(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in textwrap.wrap(line, LONG) or [""]]


def _counted(steps: Sequence[Step], words: Mapping[str, str]) -> str:
    counts = {verb: sum(step.verb == verb for step in steps) for verb in words}
    return ", ".join(f"{count} {words[verb]}" for verb, count in counts.items() if count)


def definitions(of: Settings, *, is_simulated: bool) -> Wanted:
    """The boards' definitions for the configured warehouse."""
    engine: Engine = "googlesql" if of.is_bigquery else "duckdb"
    found = wanted(boards(), engine=engine, is_simulated=is_simulated)
    return in_dataset(found, NAMELESS) if of.has_pseudonyms else found


def refuse_unconfigured(of: Settings) -> None:
    if not of.metabase_url or not of.has_metabase_key:
        lacks = "METABASE_API_KEY" if of.metabase_url else "METABASE_URL"
        raise SettingError(f"{lacks} is not set: which Metabase, and with which key? See docs/metabase.md.")
    if of.has_pseudonyms and not of.is_bigquery:
        raise SettingError(
            "AI_USAGE_PSEUDONYMS is set, and Metabase, which asks the warehouse itself, would show addresses: "
            f"nothing was written. {COMMAND} dashboards builds pages that name people by their pseudonyms."
        )


def database_of(of: Settings) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The database that Metabase queries, and its secrets, which no error may quote. Without credentials it must exist
    already. The same holds with pseudonyms, since the credentials of runs can read names.
    """
    if not of.is_bigquery:
        return duckdb_database(of.metabase_database, of.metabase_duckdb_file), ()
    if of.has_pseudonyms:
        return bigquery_database(of.metabase_database, "", "", []), ()
    path = ROOT / Path(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip()).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
        account = msgspec.json.decode(text, type=_ServiceAccount)
    except (OSError, msgspec.MsgspecError):
        return bigquery_database(of.metabase_database, "", "", []), ()
    lines = tuple(line for line in account.private_key.splitlines() if line and not line.startswith("-"))
    return bigquery_database(of.metabase_database, of.bigquery_project, text, [ANALYTICS]), lines


def _is_simulated(of: Settings) -> bool:
    found = data_are_simulated(of)
    if found is None:
        raise SettingError(f"The warehouse {place_of(of)} is empty: {COMMAND} demo or {COMMAND} backfill fills it.")
    return found
