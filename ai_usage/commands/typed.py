"""What a person types: a command's name and its arguments, as make has them (`FROM=2026-01-01`) or in their order."""

import argparse
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from ai_usage.errors import SettingError
from ai_usage.places import COMMAND, IS_CHECKOUT

COMMANDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "demo": ("pull, check and build a month, and print a summary; simulated unless a provider's key is set", ()),
    "ui": ("run the Dagster UI and the daemon on that data", ("PORT",)),
    "backfill": ("pull, build and check days, by default all since the start date", ("FROM", "TO")),
    "build": ("rebuild core, marts and boards from the ledger, without a request", ("FROM", "TO")),
    "doctor": ("show what each credential can read, and check the warehouse", ()),
    "test-alert": ("send one message to each alert channel, to see whether it arrives", ()),
    "digest": ("print the weekly digest as of now; SEND=1 sends it to the alert channels", ("SEND",)),
    "dashboards": ("write the boards' pages from the warehouse as it is", ()),
    "as-of": ("show spend as it was known at an instant", ("AT", "FROM", "TO")),
    "export-focus": ("export a month in FOCUS 1.2 as Parquet and CSV, by default the month of yesterday", ("MONTH",)),
    "close": (
        "close a month and keep a copy of its figures; PROVIDER= closes that of one, UNEXPLAINED=accept needs a NOTE",
        ("MONTH", "BY", "PROVIDER", "NOTE", "UNEXPLAINED"),
    ),
    "reopen": ("open a closed month again, for the reason in NOTE", ("MONTH", "BY", "PROVIDER", "NOTE")),
    "statements": (
        "write a month's showback statement for each team and cost center, as pages to print and as CSV",
        ("MONTH",),
    ),
    "sheet-template": ("write the sheet's tabs as CSV files to fill in", ("FOLDER",)),
    "watch": ("run the watchdog beside a deployed daemon; ONCE=1 checks once, for cron", ("ONCE",)),
    "backup": ("make a verified copy of the warehouse and of the sent alerts", ("TO",)),
    "restore": ("replace the warehouse by a backup; it asks first (YES=1)", ("FROM", "YES")),
    "reset": (
        "delete what these commands wrote in the data folder; asks first (YES=1, simulated data only)",
        ("YES",),
    ),
    "erase-person": ("remove a person's identity, keeping their cost; it asks first (YES=1)", ("ADDRESS", "YES")),
    "metabase": ("show what would change in Metabase to have the boards there; APPLY=1 changes it", ("APPLY",)),
    "bigquery-setup": ("show what a BigQuery project needs for runs and readers; APPLY=1 makes it", ("APPLY",)),
    "bigquery-check": (
        "dry-run every statement on the BigQuery project; shows bytes, changes nothing",
        (),
    ),
    "webserver": ("run the Dagster UI alone, for a deployment (--help lists its options)", ()),
    **({"docs": ("write the generated pages of docs/ and tables of README.md", ())} if IS_CHECKOUT else {}),
}
"""What each command does, and its arguments. The names are those of the targets of make."""

FLAGS = {"ONCE": "--once", "YES": "--yes", "SEND": "--send"}  # on if they are 1
OPTIONS = {"PORT": "--port"}


def command_line(typed: Sequence[str]) -> list[str]:
    """The command's module and the arguments of its parser. `SettingError` if there is no such command or argument."""
    name, *rest = typed
    known = name.replace("_", "-")
    if known not in COMMANDS:
        raise SettingError(f"There is no command {name}. {COMMAND} has: {', '.join(COMMANDS)}.")
    variables = COMMANDS[known][1]
    given = {of.partition("=")[0]: of.partition("=")[2] for of in rest if _is_named(of)}
    if unknown := [of for of in given if of not in variables]:
        has = f"its arguments are {', '.join(variables)}" if variables else "it has no arguments"
        raise SettingError(f"{known} has no argument {unknown[0]}: {has}.")
    return [known.replace("-", "_"), *_arguments(variables, given), *(of for of in rest if not _is_named(of))]


def _is_named(argument: str) -> bool:
    name, equals, _ = argument.partition("=")
    return bool(equals) and name.isalpha() and name.isupper()


def _arguments(variables: Sequence[str], given: Mapping[str, str]) -> list[str]:
    """The arguments in the parser's order; missing ones are empty, up to the last given one."""
    positional = [of for of in variables if of not in FLAGS and of not in OPTIONS]
    last = max((number for number, of in enumerate(positional, 1) if of in given), default=0)
    return [
        *(given.get(of, "") for of in positional[:last]),
        *(of for name, option in OPTIONS.items() if name in given for of in (option, given[name])),
        *(flag for name, flag in FLAGS.items() if given.get(name) == "1"),
    ]


def overview() -> str:
    """What `ai-usage --help` prints."""
    calls = {
        " ".join([name, *(f"{of}=…" for of in of_it if of not in FLAGS)]): what
        for name, (what, of_it) in COMMANDS.items()
    }
    width = max(map(len, calls))
    head = f"ai_usage {_version()}. Type {COMMAND} and one of these; dates are UTC days such as 2026-01-31:"
    return "\n".join([head, *(f"  {call:<{width}}  {what}" for call, what in calls.items())])


def _version() -> str:
    return version("ai_usage") if not IS_CHECKOUT else "of a checkout"


def parser(name: str, about: str | None, *, add_help: bool = True) -> argparse.ArgumentParser:
    """The parser of a command, which a person calls by make or by `ai-usage`."""
    text = (about or "").replace("`make ", f"`{COMMAND} ")
    return argparse.ArgumentParser(prog=f"{COMMAND} {name}", description=text, add_help=add_help)
