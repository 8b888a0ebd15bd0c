"""`make bigquery-setup`: what a BigQuery project needs for runs and readers. Shows what differs; APPLY=1 changes it."""

from collections.abc import Sequence

from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.bigquery.access import People
from ai_usage.warehouse.bigquery.client import client_of
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.project_roles import ProjectRoles
from ai_usage.warehouse.bigquery.setup import Setup, Step
from ai_usage.warehouse.bigquery.tables import Place

SIGNS = {"make": "[green]+[/]", "change": "[yellow]~[/]", "remove": "[red]-[/]"}
NO_PROJECT = "BIGQUERY_PROJECT is not set: the id of the Google Cloud project. See docs/bigquery.md."


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("bigquery-setup", __doc__)
    arguments.add_argument("apply", nargs="?", default="", help="APPLY=1 writes; without it nothing is written")
    answer = arguments.parse_args(argv).apply
    if answer not in {"", "0", "1"}:
        raise SettingError(f"APPLY={answer} is neither 1 nor 0; write {COMMAND} bigquery-setup APPLY=1.")
    place = project_of(of)
    people = People(of.bigquery_writer, of.bigquery_reader, are_nameless=of.has_pseudonyms)
    roles = None if of.bigquery_emulator else ProjectRoles(place.jobs)
    OUT.print(f"BigQuery project {of.bigquery_project}, {of.bigquery_location}", markup=False, soft_wrap=True)
    print_what_is_left_out(of)
    return bring(Setup(place, TABLES, FUNCTIONS, people, roles), is_wanted=answer == "1")


def project_of(of: Settings) -> Place:
    """The project that the settings name, whichever warehouse they choose: setup comes before the choice."""
    if not of.bigquery_project:
        raise SettingError(NO_PROJECT)
    client = client_of(of.bigquery_project, of.bigquery_location, of.bigquery_emulator)
    return Place(Jobs(client, of.bigquery_max_bytes), of.bigquery_location)


def print_what_is_left_out(of: Settings) -> None:
    if of.bigquery_emulator:
        OUT.print("  – roles and authorized datasets: an emulator has none")
        return
    if not of.bigquery_writer:
        OUT.print("  – roles of the account that runs use: set BIGQUERY_WRITER to its address", soft_wrap=True)
    if not of.bigquery_reader:
        OUT.print("  – roles of readers: set BIGQUERY_READER to an address, or to group:…", soft_wrap=True)


def bring(setup: Setup, *, is_wanted: bool) -> int:
    """Shows the differences, and with `is_wanted` removes them. Returns 1 if some are left."""
    steps = list(setup.steps())
    if not steps:
        for line in setup.as_wanted():
            OUT.print(f"  [green]✓[/] {line}", soft_wrap=True)
        OUT.print("Nothing to change.")
        return 0
    if not is_wanted:
        print_steps(steps)
        OUT.print(f"Nothing was changed: {_steps(len(steps))} to do. {COMMAND} bigquery-setup APPLY=1 does them.")
        return 0
    apply(steps)
    if still := list(setup.steps()):
        ERR.print("BigQuery took every change, and is not as wanted:", soft_wrap=True)
        print_steps(still)
        return 1
    OUT.print(f"Done: {_steps(len(steps))}.")
    return 0


def apply(steps: Sequence[Step]) -> None:
    for done, step in enumerate(steps):
        try:
            step.do()
        except AiUsageError:
            ERR.print(
                f"{done} of {len(steps)} steps are done; {COMMAND} bigquery-setup APPLY=1 goes on from there.",
                soft_wrap=True,
            )
            raise
        print_steps([step])


def print_steps(steps: Sequence[Step]) -> None:
    for step in steps:
        OUT.print(f"{SIGNS[step.verb]} ", end="")
        OUT.print(step.what, markup=False, soft_wrap=True)


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"
