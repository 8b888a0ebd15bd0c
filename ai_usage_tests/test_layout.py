"""The tree is complete: everything has its SQL, its failing test, its description and its line in .env.example."""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from io import StringIO

import dagster as dg
import pytest
from dotenv import dotenv_values

from ai_usage.catalog import TABLES
from ai_usage.checks.registry import CHECKS
from ai_usage.commands.typed import COMMANDS, command_line
from ai_usage.dashboards.boards import OF_FRESHNESS, OF_KNOWN_DAYS, boards
from ai_usage.definitions import defs
from ai_usage.layers import OWNERS
from ai_usage.marts.files import contracts, marts
from ai_usage.places import ROOT
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import names, read_settings
from ai_usage.warehouse.googlesql import SQL
from ai_usage.warehouse.table import RAW, Table
from ai_usage_tests.dashboards.truth import TRUTHS

LONG_BECAUSE = re.compile(r'^"""[^\n]*\(long because [^)\n]+\)')
# Names of modules that may recur, because each folder of a kind has one.
ROLES = {
    *("assets", "client", "endpoints", "engine", "errors", "organizations", "pages", "port", "probe", "provider"),
    *("pulls", "records", "refusals", "registry", "resource", "rows", "server", "statements", "summary", "tables"),
    *("analytics", "claude_code", "lists", "usage_and_cost"),  # Claude's reports: their records and their rows
}
# Subjects that are pulled, built, checked and shown, with a module in each of these layers.
SUBJECTS = {
    *("accounts", "cadence", "grain", "keys", "ledger", "list_prices", "money", "owners", "people", "refresh"),
    *("allocation", "reconciliation", "revisions", "sheet"),
}
GRAPH = defs.resolve_asset_graph()
# Modules of tables; boards are tested in ai_usage_tests/dashboards.
SPECS = {spec.key: spec for spec in defs.resolve_all_asset_specs() if spec.key.path[0] != "dashboards"}
CHECK_NAMES = sorted({key.name for key in GRAPH.asset_check_keys})


def sql_files(folder: str) -> set[str]:
    return {path.stem for path in (ROOT / "sql" / folder).glob("*.sql")}


def sources(package: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def example(*, uncommented: bool) -> dict[str, str | None]:
    """The variables of .env.example, read like `.env`, optionally with those that are commented out."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    if uncommented:
        text = re.sub(r"^# ?(?=[A-Z][A-Z0-9_]+=)", "", text, flags=re.MULTILINE)
    return dotenv_values(stream=StringIO(text))


def make(*typed: str) -> subprocess.CompletedProcess[str]:
    """A dry run of `make`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", "--dry-run", *typed]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"webserver"}))  # `ui` starts it
def test_every_command_has_its_make_target(command: str) -> None:
    """A merge lost two recipes: make backup did nothing, with exit code 0."""
    given = [f"{name}=1" for name in COMMANDS[command][1]]
    called = make(command, *given).stdout
    [call] = re.findall(r"-m ai_usage\.commands (.*)$", called, re.MULTILINE)
    assert command_line([command, *given]) == [part.strip('"') for part in call.split()]


def test_what_a_command_does_is_said_alike_by_make_and_by_the_package() -> None:
    listed = dict(re.findall(r"^([a-z-]+):.*## (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    ours = {name: what for name, (what, _) in COMMANDS.items() if name != "webserver"}
    assert {name: listed[name][: len(what)] for name, what in ours.items()} == ours


@pytest.mark.parametrize("typed", ["FORM=2026-11-20", "from=2026-11-20", "MONHT=2026-10"])
def test_a_misspelled_argument_of_make_is_refused(typed: str) -> None:
    done = make("backfill", typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"There is no argument {typed.partition('=')[0]}. There are: FROM TO" in done.stderr
    assert make("backfill", "FROM=2026-11-20", "AI_USAGE_DATA_DIR=/tmp/x").returncode == 0


def test_every_variable_has_its_line_in_env_example_and_no_other_has() -> None:
    assert example(uncommented=True).keys() == names()


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_is_harmless_as_it_stands(*, uncommented: bool) -> None:
    values = {name: value or "" for name, value in example(uncommented=uncommented).items()}
    read_settings(values)
    assert [name for name, value in values.items() if name.endswith("_KEY") and value] == []


def test_only_settings_accounts_and_the_commands_read_the_environment() -> None:
    reads = {path for path, text in sources("ai_usage") if re.search(r"os\.(environ(?!\.setdefault\()|getenv)", text)}
    assert {path for path in reads if not path.startswith("ai_usage/commands/")} == {
        "ai_usage/accounts.py",
        "ai_usage/places.py",
        "ai_usage/settings.py",
    }


def test_each_mart_is_the_select_of_its_name() -> None:
    files = {path.stem for folder in ("marts", "providers/*") for path in (ROOT / "sql").glob(f"{folder}/*.sql")}
    assert files - contracts().keys() == {mart.table.name for mart in marts()}


def test_no_check_file_is_unused_and_none_is_missing() -> None:
    files = {
        path.relative_to(ROOT / "sql").with_suffix("").as_posix()
        for folder in (ROOT / "sql" / "checks", *(ROOT / "sql" / "providers").glob("*/checks"))
        for path in folder.glob("*.sql")
    }
    named = {check.sql for check in CHECKS if "checks/" in check.sql}
    assert files == named | {provider.estimates_sql for provider in PROVIDERS if provider.estimates_sql}


def test_each_card_is_the_select_of_its_name_and_stands_once() -> None:
    cards = [card.name for board in boards() for card in board.cards]
    assert sorted([*cards, OF_FRESHNESS, OF_KNOWN_DAYS]) == sorted(sql_files("dashboards"))


def test_each_card_is_recomputed_by_a_query_of_its_own() -> None:
    assert {card.name for board in boards() for card in board.cards} == TRUTHS.keys()


@pytest.mark.parametrize("check", CHECK_NAMES)
def test_each_check_has_a_test_that_makes_it_fail(check: str) -> None:
    """A test under checks/ or providers/ names the check and asserts on which days it does not pass."""
    folders = ("ai_usage_tests/checks", "ai_usage_tests/providers")
    tests = [text for folder in folders for path, text in sources(folder) if "/test_" in path]
    naming = [(name, text) for text in tests for name in re.findall(rf'\b([A-Z]+)\b.* = .*"{check}"', text)]
    assert any(re.search(rf"\.not_passed\({name}\b|\(\s*{name},\s", text) for name, text in naming)


@pytest.mark.parametrize("key", sorted(SPECS), ids=str)
def test_each_asset_has_a_description_an_owner_a_group_and_its_columns(key: dg.AssetKey) -> None:
    spec = SPECS[key]
    layer, name = key.path
    assert spec.owners == OWNERS
    assert spec.group_name == {"core": "core"}.get(layer, spec.group_name)
    source = {"sheet": "sheets", "gemini": "google"}.get(name.partition("_")[0], name.partition("_")[0])
    assert layer != "raw" or spec.group_name == f"raw_{source}"
    assert spec.kinds
    assert "duckdb" in spec.kinds
    description = (spec.description or "").strip()
    assert "One row: " in description
    assert not description.startswith("One row"), "only the grain: what is it for?"
    [table] = [table for table in TABLES if table.name == name and (table.schema == RAW) == (layer == "raw")]
    assert spec.metadata["dagster/table_name"] == table.address
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [column.name for column in schema.columns] == list(table.columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.address)
def test_each_table_has_a_grain_and_each_column_a_description(table: Table) -> None:
    assert table.grain
    assert [name for name, column in table.columns.items() if not column.description.strip()] == []
    assert table.date_column is None or table.columns[table.date_column].type.name == "DATE"
    assert set(table.cluster) <= set(table.columns)


def test_each_table_is_an_asset_but_the_ledger_itself_and_what_runs_keep_of_themselves() -> None:
    no_assets = {"pulls", "check_results", "alert_events", "schema_drift_sightings"}
    no_assets |= {"builds", "record_rejections", "erasures"}
    assert {key.path[-1] for key in SPECS} == {table.name for table in TABLES} - no_assets


@pytest.mark.parametrize("key", sorted(GRAPH.asset_check_keys, key=str), ids=str)
def test_each_check_has_a_description(key: dg.AssetCheckKey) -> None:
    assert GRAPH.get_check_spec(key).description


def test_no_file_of_sql_is_longer_than_200_lines() -> None:
    files = {path.relative_to(SQL).as_posix(): path.read_text("utf-8") for path in SQL.rglob("*.sql")}
    assert {name for name, text in files.items() if text.count("\n") > 200} == set()
    assert len(files) > 100


def test_a_module_of_more_than_350_lines_gives_its_reason_first() -> None:
    """Its first line ends with `(long because …)`."""
    long = {path for path, text in sources("ai_usage") if text.count("\n") > 350}
    assert {path for path, text in sources("ai_usage") if path in long and not LONG_BECAUSE.match(text)} == set()


def test_no_sql_file_is_longer_than_200_lines() -> None:
    """A person who reads SQL audits one step at a time."""
    texts = {path.relative_to(ROOT / "sql"): path.read_text(encoding="utf-8") for path in (ROOT / "sql").rglob("*.sql")}
    assert {path.as_posix() for path, text in texts.items() if text.count("\n") > 200} == set()


def test_modules_share_a_base_name_only_by_their_role_or_by_a_subject_of_several_layers() -> None:
    names = Counter(path.rpartition("/")[2].removesuffix(".py") for path, _ in sources("ai_usage"))
    shared = {name for name, count in names.items() if count > 1 and not name.startswith("__")}
    assert shared - ROLES - SUBJECTS == set()


def test_each_module_opens_with_a_docstring() -> None:
    packages = ("ai_usage", "ai_usage_tests")
    silent = [path for package in packages for path, text in sources(package) if text and not text.startswith('"""')]
    assert silent == []
