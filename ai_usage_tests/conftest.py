"""The environment of every test: a fixed clock, a separate data folder, no key and no `.env` of a developer.

It must be set before `ai_usage` is first imported, since settings and partitions are read then.
"""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # for `nohup make test`: commands that tests start must handle SIGHUP
DATA_DIR = Path(tempfile.mkdtemp(prefix="ai_usage_tests_"))
for name in [
    name
    for name in os.environ
    if name.startswith(
        ("AI_USAGE_", "ALERT_", "ANTHROPIC_", "BIGQUERY_", "CURSOR_", "DAGSTER_", "GEMINI_", "METABASE_", "OPENAI_")
    )
    or name in {"SSL_CERT_FILE", "SSL_CERT_DIR"}  # no test connects to a public server: `lean` reads no certificates
]:
    del os.environ[name]
os.environ |= {
    "AI_USAGE_DATA_DIR": str(DATA_DIR),
    "AI_USAGE_UPLOADS_DIR": str(DATA_DIR / "uploads"),
    "AI_USAGE_START_DATE": "2026-10-01",
    "AI_USAGE_NOW": "2026-11-20T12:00:00Z",
    "AI_USAGE_SIMULATE": "0",
    "AI_USAGE_WAREHOUSE": "duckdb",
    "BIGQUERY_PROJECT": "",
    "BIGQUERY_EMULATOR_HOST": "",
    "AI_USAGE_PUBLISHED_FOR": "owner",
    "AI_USAGE_SHEET_ID": "",
    "AI_USAGE_SCHEDULE_TIMEZONE": "Europe/Berlin",
    "ANTHROPIC_ADMIN_API_KEY": "",  # set but empty: a developer's `.env` fills only variables that are not set
    "ANTHROPIC_ANALYTICS_API_KEY": "",
    "ANTHROPIC_ADMIN_BASE_URL": "",
    "CURSOR_ADMIN_API_KEY": "",
    "CURSOR_ADMIN_BASE_URL": "",
    "CURSOR_PLANS": "",
    "OPENAI_ADMIN_KEY": "",
    "OPENAI_ADMIN_BASE_URL": "",
    "OPENAI_CODEX_ANALYTICS_KEY": "",
    "OPENAI_CODEX_WORKSPACE_ID": "",
    "OPENAI_CODEX_BASE_URL": "",
    "GEMINI_BILLING_TABLE": "",
    "GEMINI_PROJECTS": "",
    "GEMINI_BILLING_ACCOUNT": "",
    "GEMINI_SERVICES": "",
    "GOOGLE_BIGQUERY_BASE_URL": "",
    "GOOGLE_MONITORING_BASE_URL": "",
    "GOOGLE_LOGGING_BASE_URL": "",
    "GOOGLE_PROCUREMENT_BASE_URL": "",
    "GOOGLE_APPLICATION_CREDENTIALS": "",
    "GOOGLE_API_BASE_URL": "",
    "ALERT_SLACK_WEBHOOK_URL": "",
    "ALERT_WEBHOOK_URL": "",
    "ALERT_SMTP_URL": "",
    "ALERT_EMAIL_TO": "",
    "ALERT_EMAIL_FROM": "",
    "AI_USAGE_UI_URL": "",
    "AI_USAGE_UI_HOSTS": "",
    "AI_USAGE_PSEUDONYMS": "",
    "METABASE_URL": "",
    "METABASE_API_KEY": "",
    "METABASE_DATABASE": "",
    "METABASE_DUCKDB_FILE": "",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "POLARS_MAX_THREADS": "1",  # each core already runs a test
}

from ai_usage.settings import settings  # noqa: E402 - after the environment
from ai_usage_tests import staying_open  # noqa: E402, F401 - after the environment; it is enough to import it
from ai_usage_tests.mock_claude import DAY, DAYS, NEXT, ordinary  # noqa: E402 - after the environment
from ai_usage_tests.named import named  # noqa: E402 - after the environment
from ai_usage_tests.once import once  # noqa: E402 - after the environment
from ai_usage_tests.platform import Platform, found_in, platform_in  # noqa: E402 - after the environment

# Slow files, which start first, because a slow last file leaves a core idle. Files with a daemon mostly wait, so two at
# a time run beside others; four processes keep two cores busy, and a fifth costs more than it gains.
LONGEST = (
    *("test_unattended_days", "test_long_history", "test_borders", "test_day_of_trouble", "test_quarter"),
    *("test_pages", "test_erase_person", "test_as_of", "test_first_hour", "test_killed_commands", "test_survival"),
    *("test_full_disk", "test_file_modes", "test_refresh", "test_readable", "test_planted", "test_definitions"),
    *("test_demo_day", "test_any_record", "test_cursor_graph", "test_ripple", "test_closing", "test_ledger"),
    *("test_toy_provider", "test_every_file", "test_commands", "test_site", "test_focus", "test_ui"),
)


class OneProcessAFile(LoadFileScheduling):  # type: ignore[misc]
    """Like `--dist loadfile`, but all tests of BigQuery's emulator run in one process, because each process starts an
    emulator.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(super()._split_scope(nodeid))
        return str(file.parent if file.parent.name == "bigquery" else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneProcessAFile:
    return OneProcessAFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    names = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: names.get(item.path.stem, len(names)))


def pytest_collection_finish() -> None:
    gc.freeze()  # the tests themselves stay: garbage collection over them takes a tenth of a second


def pytest_unconfigure() -> None:
    shutil.rmtree(DATA_DIR, ignore_errors=True)


@pytest.fixture(scope="session")
def _nothing_yet(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    def make(folder: Path) -> None:
        platform = platform_in(folder)
        with platform.warehouse.connected():
            platform.leave()

    return found_in(once(tmp_path_factory, "nothing_yet", make))


@pytest.fixture
def platform(_nothing_yet: Platform, tmp_path: Path) -> Platform:
    """A platform without any data: its tables exist and are empty."""
    return _nothing_yet.copy(tmp_path)


@pytest.fixture
def warehouse_is_there(_nothing_yet: Platform, tmp_path: Path) -> None:
    """An empty warehouse. Otherwise a command would create it first, which takes longer than most of its own work."""
    _nothing_yet.copy(tmp_path)


@pytest.fixture(scope="session")
def named_world(_nothing_yet: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Two days of a company with one developer, Lina Xu, and one key, which is named after her."""

    def make(folder: Path) -> None:
        made = named(_nothing_yet.copy(folder))
        assert made.run({DAY: ordinary(), NEXT: ordinary(20)}).failed == {}
        made.leave()

    return named(found_in(once(tmp_path_factory, "named", make)))


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    def make(folder: Path) -> None:
        platform = platform_in(folder)
        outcome = platform.run({day: ordinary(10 + n) for n, day in enumerate(DAYS)})
        assert outcome.result.success
        assert outcome.checks_not_passed() == set()
        platform.leave()

    return found_in(once(tmp_path_factory, "untouched", make))


@pytest.fixture
def good(untouched: Platform, tmp_path: Path) -> Platform:
    """Three days that were pulled and built, and on which every check passes. The copy may be damaged by the test."""
    return untouched.copy(tmp_path)


@pytest.fixture
def settings_are_read_again() -> Iterator[None]:
    """For after a test that changes settings."""
    yield
    settings.cache_clear()


@pytest.fixture
def dagster_home_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands set it for their process, which is the tests' process."""
    monkeypatch.setenv("DAGSTER_HOME", "")
