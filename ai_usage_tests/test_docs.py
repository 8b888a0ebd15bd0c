"""The README and docs/ agree with the code: tables, commands, variables, files, links, numbers and SQL."""

import re
import tokenize
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from ai_usage.catalog import TABLES
from ai_usage.checks.registry import CHECKS
from ai_usage.commands.docs import BEGIN, END, TARGET, readme
from ai_usage.commands.docs import README as README_FILE
from ai_usage.commands.typed import COMMANDS
from ai_usage.dashboards.boards import boards
from ai_usage.definitions import defs
from ai_usage.marts.files import marts
from ai_usage.places import ROOT
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import BY_KEY, PROVIDERS
from ai_usage.settings import DAYS_OF_A_DEMO, read_settings
from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.googlesql import providers_with, read
from ai_usage.warehouse.table import Type
from ai_usage_tests.platform import Platform

DOCS = ROOT / "docs"
README = README_FILE.read_text(encoding="utf-8")
AT_THE_ROOT = ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")
PAGES = sorted([*(ROOT / f"{name}.md" for name in AT_THE_ROOT), *DOCS.glob("*.md")])
GENERATED = {"tables.md", "checks.md"}
BY_READER = (
    "finance",
    "adoption",
    "sheet",
    "architecture",
    "naming",
    "glossary",
    "alternatives",
    "operations",
    "commands",
)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
OF_A_DEPLOYMENT = {"DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "DAGSTER_EVENT_BATCH_SIZE"}  # Dagster's own variables
# Text that looks like a path but is not a file of the repository: data folders, roles, tags, examples.
NOT_OURS = re.compile(
    r"\.data/.*|(as_of|exports|site|uploads|metabase|dagster)/.*|roles/.*|dagster-k8s/config|ai_usage/chain|a/b|"
    r"usage_report/messages|dist/|deploy/secrets/|deploy/settings\.env|\d\d/\d\d/\d{4}|.*\*.*"
)
PATH = re.compile(r"[\w.-]+(?:/[\w.*-]+)+/?|[\w-]+/")
# Pages about people's own files, functions, measures or BigQuery also have other names.
OF_OTHER_NAMES = {"accounts.md", "adding-a-provider.md", "benchmarks.md", "bigquery.md", "decisions.md", "metabase.md"}
OF_NAMES = [page for page in PAGES if page.name not in {*GENERATED, *OF_OTHER_NAMES}]
VALUES = {  # of columns, and other names that stand in code
    *("key_creator", "key_sheet", "usage_and_seats", "weekday_ewma", "weekday_mean", "weekday_median"),
    *("ai_usage", "ai_usage_raw", "ai_usage_analytics", "spend_as_of", "table_was_built"),
    "only_allow_user_defined_k8s_config_fields",  # Dagster's
    *("pg_dump", "postgres_password", "dagster_postgres_url"),
}
PARAMETERS = re.findall(r"^ARGUMENTS := (.*)$", MAKEFILE, re.MULTILINE)[0].split()
DIALECT = re.compile(r"\b(?:told|dearest|verdicts?|nobody(?:'s)?)\b", re.IGNORECASE)
SPEECH = r"tells?|says?|said|speaks?|claims?|claimed|whose"
DIALECT_OF_CODE = re.compile(rf"{DIALECT.pattern}|\b(?:{SPEECH})\b", re.IGNORECASE)
STORED = {"ai_usage/alerts/outbox.py", "ai_usage/warehouse/migrations.py"}  # columns in files of earlier releases
COMMAND_NAMES = {name.replace("_", "-") for name in COMMANDS}
NAMES = {table.name for table in TABLES}
STEPS = {table.name: table.step_of for table in TABLES if table.step_of}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(text: str) -> Iterator[str]:
    """Text written as code: blocks, line by line without their comments, and words within backticks."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        yield from (line.split(" #")[0].strip() for line in block.replace("\\\n", " ").splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """The ids that GitHub gives to a page's headings."""
    body = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", body, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def recipes() -> dict[str, str]:
    """Each target of the Makefile that `make help` lists, with its recipe."""
    return dict(re.findall(r"^([a-z-]+):[^\n]*##[^\n]*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE))


def arguments(recipe: str) -> set[str]:
    return set(re.findall(r"\$\((?:filter 1,\$\()?([A-Z]+)\)", recipe)) & set(PARAMETERS)


def every(pattern: str, text: str) -> list[Any]:
    """For each matching line its group, or its groups."""
    return re.findall(pattern, text, re.MULTILINE)


# Links, files, variables and words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_to_headings_in_them(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)", text_of(page))
    wrong = []
    for file, anchor in links:
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(f"{file}#{anchor}")
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_exist(page: Path) -> None:
    variables = set(re.findall(r"`((?:AI_USAGE|ALERT|METABASE|DAGSTER)_[A-Z_]*[A-Z])`", text_of(page)))
    assert {name for name in variables - OF_A_DEPLOYMENT if f"{name}=" not in EXAMPLE} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_exist(page: Path) -> None:
    """Paths from the root or from ai_usage/, and tables by their asset key."""
    named = {name for name in code_of(text_of(page)) if PATH.fullmatch(name) and not NOT_OURS.fullmatch(name)}
    assets = {f"{layer}/{table}" for layer in ("raw", "core", "marts") for table in NAMES}
    assert {
        name for name in named - assets if not any((folder / name).exists() for folder in (ROOT, ROOT / "ai_usage"))
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_words_are_plain(page: Path) -> None:
    assert DIALECT.findall(text_of(page)) == []


def test_words_of_code_are_plain() -> None:
    """Messages, descriptions, docstrings, comments and names, of SQL, boards and the pages' scripts too."""
    kinds = {".py", ".sql", ".js", ".css", ".yml", ".yaml"}
    roots = [ROOT / folder for folder in ("ai_usage", "sql", "dashboards", "bench", "deploy")]
    files = [file for root in roots for file in root.rglob("*") if file.suffix in kinds]
    assert len(files) > 500
    found = {file.relative_to(ROOT).as_posix(): DIALECT_OF_CODE.findall(text_of(file)) for file in files}
    assert {name: words for name, words in found.items() if words and name not in STORED} == {}


def prose_of(file: Path) -> Iterator[str]:
    """The comments and docstrings of a module: a string that begins a statement is a docstring."""
    begins = True
    with tokenize.open(file) as lines:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.COMMENT or (begins and token.type == tokenize.STRING):
                yield token.string
            if token.type not in {tokenize.COMMENT, tokenize.NL}:
                begins = token.type in {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


def test_words_of_tests_are_plain() -> None:
    """Comments and docstrings only: test data may contain any word."""
    files = [file for file in (ROOT / "ai_usage_tests").rglob("*.py") if DIALECT_OF_CODE.search(text_of(file))]
    assert 5 < len(files) < 300
    found = {file.name: [text for text in prose_of(file) if DIALECT_OF_CODE.search(text)] for file in files}
    assert {name: texts for name, texts in found.items() if texts} == {}


# Commands


def allowed(tool: str, target: str) -> set[str]:
    return set(COMMANDS[target][1]) if tool == "ai-usage" else arguments(recipes()[target])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_and_take_their_arguments(page: Path) -> None:
    known, wrong = recipes(), []
    for code in code_of(text_of(page)):
        for tool, target, given in re.findall(r"(?:^|\s)(make|ai-usage) ([a-z-]+)((?: [A-Z_]+=\S+)*)", code):
            names = set(re.findall(r"([A-Z_]+)=", given)) - {"PYTHON"}
            if target not in (COMMANDS if tool == "ai-usage" else known) or names - allowed(tool, target):
                wrong.append(f"{tool} {target}{given}")
        called = re.findall(r"-m ai_usage\.commands ([a-z_-]+)", code)
        wrong += [name for name in called if name.replace("_", "-") not in COMMAND_NAMES]
    assert wrong == []


def test_the_page_of_commands_lists_each_with_its_arguments() -> None:
    """`webserver` has no target: `ui` starts it, and a deployment calls it by name."""
    rows = every(r"^\| `make ([a-z-]+)` \| (.*?) \|", text_of(DOCS / "commands.md"))
    listed = {target: set(every(r"`([A-Z]+)`", given)) for target, given in rows}
    assert listed == {target: arguments(recipe) for target, recipe in recipes().items()}
    assert COMMAND_NAMES - listed.keys() == {"webserver"}
    assert "ai_usage.commands webserver`" in text_of(DOCS / "commands.md")


# Tables, and the SQL that people copy


@pytest.mark.parametrize("page", OF_NAMES, ids=lambda page: page.name)
def test_names_in_snake_case_are_names_of_ours(page: Path) -> None:
    """Tables, columns, checks, sensors, jobs, tabs, or a value that is listed above."""
    repository = defs.get_repository_def()
    known = {*NAMES, *VALUES, *repository.job_names, *TABS}
    known |= {column for table in TABLES for column in table.columns}
    known |= {column.name for tab in TABS.values() for column in tab.columns}
    known |= {check.name for check in CHECKS}
    known |= {sensor.name for sensor in repository.sensor_defs} | {each.name for each in repository.schedule_defs}
    known |= {name for name in globals() if name.startswith("test_")}
    known |= {name.replace("-", "_") for name in COMMAND_NAMES} | {field.name for field in fields(Provider)}
    assert set(every(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)`", text_of(page))) - known == set()


def test_the_page_of_tables_lists_every_table_once() -> None:
    overview = text_of(TARGET).partition("\n## ai_usage_")[0]
    rows = every(r"^\| (.*?) \|", overview)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(listed) == sorted(table.name for table in TABLES)


def test_each_table_has_a_question_and_an_example_or_is_a_step() -> None:
    assert {table.name for table in TABLES if bool(table.question and table.example) == bool(table.step_of)} == set()
    assert {t.name for t in TABLES if t.question and not t.question.endswith("?")} == set()
    unrelated = {t.name for t in TABLES if t.example and not re.search(rf"\b{t.schema}\.{t.name}\b", t.example)}
    assert unrelated == set()


def test_a_step_is_read_by_what_it_is_a_step_of() -> None:
    reads = {mart.table.name: {table for _, table in mart.reads} for mart in marts()}
    of_contracts = {"spend": "ai_spend", "activity": "ai_activity"}  # files that providers supply
    for contract, mart in of_contracts.items():
        for provider in PROVIDERS:
            reads[mart] |= set(re.findall(r"ai_usage_analytics\.(\w+)", read(f"providers/{provider.key}/{contract}")))
    of_checks = {
        check.name: set(re.findall(r"ai_usage_analytics\.(\w+)", read(check.sql))) for check in CHECKS if check.sql
    }
    reads |= of_checks

    def all_read(name: str) -> set[str]:
        found, left = set[str](), [name]
        while left:
            new = reads.get(left.pop(), set()) - found
            found |= new
            left += new
        return found

    assert {step for step, of in STEPS.items() if step not in all_read(of)} == set()


@pytest.fixture(scope="module")
def filled(untouched: Platform) -> Iterator[duckdb.DuckDBPyConnection]:
    """A small warehouse, as a SQL tool opens it."""
    with duckdb.connect(str(untouched.warehouse.published_path), read_only=True) as db:
        yield db


def test_examples_run_and_answer(filled: duckdb.DuckDBPyConnection) -> None:
    """In this world Claude alone has data."""
    rows = {table.name: len(filled.execute(table.example).fetchall()) for table in TABLES if table.example}
    assert {
        name for name in ("pulls", "claude_costs", "ai_spend", "spend_by_meter", "month_close") if not rows[name]
    } == set()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in {*GENERATED, "bigquery.md"}], ids=lambda p: p.name
)
def test_queries_on_the_pages_run(page: Path, filled: duckdb.DuckDBPyConnection) -> None:
    """Those of bigquery.md are about BigQuery's own views of jobs."""
    for query in re.findall(r"^ *```sql\n(.*?)^ *```", text_of(page), re.MULTILINE | re.DOTALL):
        filled.execute(query)


def test_names_of_columns_keep_the_rules() -> None:
    """The rules of docs/naming.md, which lists the exceptions; FOCUS defines its own columns."""
    allowed = set(every(r"`(\w+)`", text_of(DOCS / "naming.md").partition("Exceptions")[2].partition("## ")[0]))
    types = {
        "_usd": (Type.NUMERIC, Type.FLOAT),
        "_date": (Type.DATE,),
        "_at": (Type.INSTANT,),
        "_count": (Type.INTEGER,),
    }
    types |= {"_tokens": (Type.INTEGER,), "_email": (Type.STRING,)}
    wrong = set()
    for table in (table for table in TABLES if table.name != "focus_1_2"):
        for name, column in table.columns.items():
            if name in allowed:
                continue
            if any(name.endswith(end) and column.type not in kinds for end, kinds in types.items()):
                wrong.add(f"{table.name}.{name}")
            if name.startswith(("is_", "has_")) is not (column.type is Type.BOOLEAN):
                wrong.add(f"{table.name}.{name}")
    assert wrong == set()


# Numbers and lists that come from code


def test_the_readme_is_short_and_its_sources_are_those_of_the_registry() -> None:
    assert README.count("\n") <= 120
    assert readme(README) == README, "run make docs"
    assert all(f"](docs/{name}.md)" in README for name in BY_READER), "each page by reader is linked"
    assert all(text_of(DOCS / f"{name}.md").count("\n") <= 150 for name in BY_READER)


def test_a_readme_without_a_place_for_the_sources_is_left_alone() -> None:
    """The text after a missing mark was lost."""
    for mark in (BEGIN, END):
        with pytest.raises(ValueError, match="nothing was written"):
            readme(README.replace(mark, ""))


def test_the_readme_sends_readers_to_boards_and_tables_that_exist() -> None:
    rows = every(r"^\| ([^|]+) \| ([^|]+\?) \| ([^|]*) \| ([^|]*) \| [^|]+ \|$", README)
    assert len(rows) >= 6
    shown = {board for _, _, board, _ in rows} - {"the Dagster UI", ""}
    assert shown == {board.title.removesuffix(" Analytics") for board in boards()}
    assert {name for *_, tables in rows for name in re.findall(r"`(\w+)`", tables)} <= NAMES


def test_cards_that_are_named_exist() -> None:
    cards = {f"{board.title}: {card.title}" for board in boards() for card in board.cards}
    named = set(every(r"\| ([A-Z][\w ]+: [A-Z][^|]+?) \|", text_of(DOCS / "adoption.md")))
    assert len(named) >= 3
    assert named <= cards


def test_what_is_not_pulled_is_not_pulled() -> None:
    assert ("GitHub Copilot is not pulled" in README) == ("github" not in BY_KEY)
    _, _, stated = text_of(DOCS / "adoption.md").partition("list the members of their seats are included: ")
    sentence = stated.partition(".")[0]
    named = {of.key for of in PROVIDERS if any(platform.name in sentence for platform in of.platforms)}
    assert named == set(providers_with("seats_in_use"))


def test_counts_are_those_of_the_code() -> None:
    assert f"\n- {len({check.name for check in CHECKS})} checks are evaluated, most of them day by day" in README
    words = {5: "five", 6: "six", 7: "seven"}
    assert f"the {words[len(boards())]} boards" in README
    assert f"the last {DAYS_OF_A_DEMO} days" in text_of(DOCS / "commands.md")


def test_days_until_a_day_is_final_are_those_of_the_registry() -> None:
    stated = "Days are final after 30 days for\nAnthropic, 2 for Cursor, 31 for OpenAI and 40 for Google."
    assert stated in text_of(DOCS / "finance.md")
    found = {(name, int(days)) for days, name in re.findall(r"(\d+) (?:days )?for\s(\w+)", stated)}
    assert found == {(provider.name, provider.final_after_days) for provider in PROVIDERS}


def test_days_that_are_pulled_again_are_those_of_the_cadences() -> None:
    rows = every(r"^\| (.+?) \| the last (\d+) days daily(?:, the last (\d+) weekly)?", text_of(DOCS / "operations.md"))
    cadences = [
        cadence for provider in PROVIDERS for cadence in provider.cadences if cadence.name != "claude_analytics"
    ]
    assert [(int(days), int(weekly or 0)) for _, days, weekly in rows] == [(c.window, c.long_window) for c in cadences]


def test_the_hosts_of_the_network_are_the_default_addresses() -> None:
    addresses = [value for value in vars(read_settings({})).values() if str(value).startswith("https://")]
    hosts = {urlsplit(address).hostname for address in addresses}
    listed = text_of(DOCS / "operations.md").partition("## Network")[2].partition("## ")[0]
    assert len(hosts) >= 8
    assert {host for host in hosts if str(host) not in listed} == set()


def test_what_each_key_must_be_allowed_is_listed() -> None:
    page = text_of(DOCS / "security.md").partition("## What each key may do")[2]
    for provider in PROVIDERS:
        section = page.partition(f"### {provider.name}\n")[2].partition("\n###")[0]
        missing = [key.variable for key in provider.account_fields.credentials if f"`{key.variable}`" not in section]
        assert missing == [], provider.name


def test_ten_tasks_name_their_file() -> None:
    table = text_of(DOCS / "architecture.md").partition("| task | file that answers it |")[2].partition("\n\n")[0]
    rows = every(r"^\| (.+?) \| (.+?) \|$", table)[1:]
    assert len(rows) >= 10
    assert [
        task for task, files in rows if not any(PATH.fullmatch(name) for name in re.findall(r"`([^`]+)`", files))
    ] == []


def test_the_import_direction_is_the_one_that_is_enforced() -> None:
    stated = re.search(r"Imports point one way: (.+?)\.", text_of(DOCS / "architecture.md"), re.DOTALL)
    assert stated
    layers = re.findall(r'^  "(ai_usage\..+)",$', text_of(ROOT / "pyproject.toml"), re.MULTILINE)
    order = [name for name in re.split(r" → |\s→\s|→\s| and ", stated[1].replace("\n", " ")) if name]
    places = [
        next(n for n, layer in enumerate(layers) if f"ai_usage.{name.strip()}" in layer.split(" | ")) for name in order
    ]
    assert places == sorted(places)
    assert len(order) > 8


def test_what_a_repository_needs_is_there() -> None:
    assert all((ROOT / name).is_file() for name in ("LICENSE", "NOTICE", ".github/workflows/ci.yml"))
    workflow = text_of(ROOT / ".github" / "workflows" / "ci.yml")
    assert "run: make test" in workflow
    versions = re.search(r"python: \[(.+)\]", workflow)
    assert versions
    assert versions[1] == '"3.11", "3.14"'
    assert 'requires-python = ">=3.11,<3.15"' in text_of(ROOT / "pyproject.toml")
    assert [
        used
        for used in re.findall(r"- uses: (\S+)", workflow)
        if not re.search(r"@(v\d+\.\d+\.\d+|[0-9a-f]{40})$", used)
    ] == []
