"""The package that a company installs: a wheel in an environment with nothing but the locked dependencies, used from a
folder that knows no checkout.
"""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ai_usage.places import ROOT

ENVIRONMENT = ROOT / ".venv-package"
FOLDERS = ("sql", "dashboards")  # of the checkout, which the code reads
FILES = ("docs/runbook.md", "dagster.yaml", "workspace.yaml", ".env.example")
DEMO_OF_THREE_DAYS = (
    "import sys; from ai_usage import settings; settings.DAYS_OF_A_DEMO = 3; "
    "from ai_usage.commands.console import run; sys.argv = ['ai-usage', 'demo']; sys.exit(run())"
)

pytestmark = pytest.mark.skipif(
    not (ENVIRONMENT / "ready").exists(), reason=f"{ENVIRONMENT.name} is not here: make {ENVIRONMENT.name}/ready"
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a person who installed the wheel, by its hash, and has a `.env`."""
    folder = tmp_path_factory.mktemp("home")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (folder / "lock.txt").write_text(f"ai_usage @ {wheel.as_uri()} --hash=sha256:{digest}\n", encoding="utf-8")
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-qq", "--no-deps", "--force-reinstall"]
    subprocess.run([*pip, "--require-hashes", "-r", "lock.txt"], cwd=folder, check=True, env=environment(folder))
    (folder / ".env").write_text("AI_USAGE_DATA_DIR=spend\nAI_USAGE_NOW=2026-11-03T12:00:00Z\n", encoding="utf-8")
    return folder


def environment(home: Path) -> dict[str, str]:
    """That of a person who has set nothing."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


def typed(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    call = [str(ENVIRONMENT / "bin" / command[0]), *command[1:]]
    return subprocess.run(call, cwd=home, env=environment(home), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(home: Path) -> subprocess.CompletedProcess[str]:
    return typed(home, "python", "-c", DEMO_OF_THREE_DAYS)


def test_every_file_that_the_code_reads_is_in_the_wheel(wheel: Path) -> None:
    there = {name.removeprefix("ai_usage/shipped/") for name in zipfile.ZipFile(wheel).namelist()}
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert {path.relative_to(ROOT).as_posix() for path in files} | {*FILES} <= there
    assert not [name for name in there if "ai_usage_tests" in name or name.startswith("bench/")]


def test_the_demo_runs_without_a_checkout(demo: subprocess.CompletedProcess[str], home: Path) -> None:
    assert demo.returncode == 0, demo.stderr[-3000:]
    assert "AI usage, SIMULATED DATA" in demo.stdout
    assert "Look around: ai-usage ui" in demo.stdout
    assert (home / "spend" / "site" / "index.html").is_file()


def test_what_it_writes_is_in_the_data_folder_that_env_names(
    demo: subprocess.CompletedProcess[str], home: Path
) -> None:
    assert demo.returncode == 0
    assert {path.name for path in home.iterdir()} - {".cache", ".rustup"} == {".env", "lock.txt", "spend"}  # pip's


def test_a_command_is_called_as_with_make(demo: subprocess.CompletedProcess[str], home: Path) -> None:
    exported = typed(home, "ai-usage", "export-focus", "MONTH=2026-10")
    assert exported.returncode == 1, exported.stderr
    assert "ai-usage backfill FROM=2026-10-01" in exported.stdout + exported.stderr


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
