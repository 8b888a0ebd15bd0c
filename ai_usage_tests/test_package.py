"""The package that a company installs: a wheel in an environment with only the locked dependencies, used from a folder
outside a checkout. test_first_hour runs its demo.
"""

import subprocess
import zipfile
from pathlib import Path

import pytest

from ai_usage.places import ROOT
from ai_usage_tests.package import ENVIRONMENT, environment, installed

FOLDERS = ("sql", "dashboards")  # folders of the checkout that the code reads
FILES = ("docs/runbook.md", "dagster.yaml", "workspace.yaml", ".env.example")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return installed(tmp_path_factory)


@pytest.fixture
def wheel(package: tuple[Path, Path]) -> Path:
    return package[0]


@pytest.fixture
def home(package: tuple[Path, Path]) -> Path:
    return package[1]


def typed(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    call = [str(ENVIRONMENT / "bin" / command[0]), *command[1:]]
    return subprocess.run(call, cwd=home, env=environment(home), capture_output=True, text=True, check=False)


def test_every_file_that_the_code_reads_is_in_the_wheel(wheel: Path) -> None:
    there = {name.removeprefix("ai_usage/shipped/") for name in zipfile.ZipFile(wheel).namelist()}
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert {path.relative_to(ROOT).as_posix() for path in files} | {*FILES} <= there
    assert not [name for name in there if "ai_usage_tests" in name or name.startswith("bench/")]


def test_without_a_command_it_lists_them_all(home: Path) -> None:
    listed = typed(home, "ai-usage")
    assert listed.returncode == 2
    assert "  backfill FROM=… TO=…" in listed.stdout
    assert "  docs" not in listed.stdout
    assert typed(home, "ai-usage", "--help").stdout == listed.stdout


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("bakcfill",), "There is no command bakcfill. ai-usage has: demo, ui, backfill"),
        (("backfill", "FORM=2026-11-01"), "backfill has no argument FORM: its arguments are FROM, TO."),
        (("demo", "FROM=2026-11-01"), "demo has no argument FROM: it has no arguments."),
    ],
)
def test_what_is_misspelled_is_an_error_that_names_what_there_is(
    home: Path, command: tuple[str, ...], message: str
) -> None:
    refused = typed(home, "ai-usage", *command)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert message in refused.stderr


def test_the_definitions_load_from_the_environment_alone(home: Path) -> None:
    """Importing them reads no `.env`: a code server of a deployment gets its settings from its environment."""
    script = "from ai_usage.definitions import defs; from ai_usage.settings import settings; print(settings().data_dir)"
    loaded = typed(home, "python", "-W", "ignore", "-c", script)
    assert loaded.stdout.strip() == str(home / ".data"), loaded.stderr
