"""The commands that a person types, and the one sentence that is printed if a command cannot be done."""

import errno
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ai_usage.automation.dead_runs import PROCESS, run_by_this_process
from ai_usage.catalog import TABLES
from ai_usage.checks.results import CheckResult
from ai_usage.commands.__main__ import a_full_disk_named, main
from ai_usage.commands.data_folder import RESERVE, RESERVED, asked_port
from ai_usage.commands.docs import TARGET, tables_page
from ai_usage.commands.refresh import Outcome, ends_what_broke_off, print_not_evaluated, print_troubles
from ai_usage.definitions import defs
from ai_usage.errors import SettingError, WarehouseError
from ai_usage.marts.build_days import rebuild_all
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage.warehouse.table import ANALYTICS
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.platform import Platform, contents, platform_in
from ai_usage_tests.printed import printed
from bench.company import MEASURED_DAYS, Company

pytestmark = pytest.mark.usefixtures("dagster_home_is_put_back")
DAYS = [DAY, NEXT, NEXT + timedelta(days=1)]


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-13-01", "2026-01-31", "FROM=2026-13-01 is not a day"),
        ("2026-11-01", "x", "TO=x is not a day"),
        ("2026-11-09", "2026-11-01", "FROM=2026-11-09 is after TO=2026-11-01"),
        ("2020-01-01", "2026-11-01", "AI_USAGE_START_DATE"),
        ("2026-11-01", "2999-01-01", "the newest full UTC day"),
    ],
)
def test_an_impossible_backfill_gives_the_reason(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, first: str, last: str, sentence: str
) -> None:
    monkeypatch.setenv("AI_USAGE_SIMULATE", "1")
    assert main(["backfill", first, last]) == 2
    assert sentence in printed(capsys)


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        ("backup", "(time travel)"),
        ("restore", "then run make build"),
        ("reset", "Delete the datasets ai_usage_raw, ai_usage_analytics and ai_usage_staging, and the folder /"),
        ("erase_person", "This release erases a person from the file only"),
    ],
)
def test_a_command_that_needs_the_file_refuses_and_has_advice_for_bigquery(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, instead: str
) -> None:
    """No emulator is needed: it sends no query."""
    monkeypatch.setenv("AI_USAGE_SIMULATE", "1")
    monkeypatch.setenv("AI_USAGE_WAREHOUSE", "bigquery")
    monkeypatch.setenv("BIGQUERY_PROJECT", "ours")
    assert main([command]) == 2
    found = printed(capsys)
    assert "this warehouse is BigQuery project ours: nothing was changed." in found
    assert instead in found


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("built"))
    writers = dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
    assert not platform.run({day: ordinary(10 + n) for n, day in enumerate(DAYS)}, only=writers).failed
    return platform


@pytest.fixture
def built(past: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """Three days that the graph pulled and built, in the folder that commands use."""
    platform = past.copy(tmp_path)
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(platform.warehouse.path.parent))
    settings.cache_clear()
    yield platform
    settings.cache_clear()


def forget_what_was_built(platform: Platform) -> None:
    for table in TABLES:
        if table.schema == ANALYTICS and not table.view_of:
            platform.sql(f"delete from {table.address}")


def without_checks(database: Path) -> dict[str, object]:
    """Excludes the check tables, the list of accounts, and FOCUS, which has names from that list. `built` pulls and
    builds in one run, which no job of the product does, and so may list the accounts before the pulls.
    """
    left_out = {"check_results", "dim_account", "focus_1_2"}
    return {name: rows for name, rows in contents(database).items() if name not in left_out}


def test_build_makes_the_tables_of_a_run_without_a_request_and_publishes_them(
    built: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, of_the_run = built.claude.asked.total(), without_checks(built.warehouse.path)
    forget_what_was_built(built)
    assert without_checks(built.warehouse.path) != of_the_run
    assert main(["build", "", ""]) == 0, printed(capsys)
    assert without_checks(built.warehouse.path) == of_the_run
    assert without_checks(built.warehouse.path.with_name("ai_usage_published.duckdb")) == of_the_run
    assert built.claude.asked.total() == asked
    assert "3 days · 0 requests" in printed(capsys)


def test_build_of_some_days_keeps_a_blocked_day_with_its_reason_and_leaves_the_others(
    built: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = built.dollars()
    built.sql('update ai_usage_raw.claude_cost_totals set record = replace(record, \'"amount":"\', \'"amount":"9\')')
    built.sql("update ai_usage_analytics.claude_total_expenses set cost_usd = 7")
    assert main(["build", str(DAYS[1]), str(DAYS[1])]) == 1
    assert built.dollars() == dict.fromkeys(kept, Decimal(7))
    assert f"{DAYS[1]} grouped_lines_equal_console_figure" in printed(capsys)


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-13-01", "", "FROM=2026-13-01 is not a day"),
        ("2026-11-09", "2026-11-01", "FROM=2026-11-09 is after TO=2026-11-01"),
        ("", "2999-01-01", "the newest full UTC day"),
        ("", "2026-11-09", "No day from 2026-10-01 to 2026-11-09 was pulled yet"),
    ],
)
def test_an_impossible_build_gives_the_reason(
    built: Platform, capsys: pytest.CaptureFixture[str], first: str, last: str, sentence: str
) -> None:
    assert main(["build", first, last]) == 2
    assert sentence in printed(capsys)
    assert built.dollars()


# These few days have no anomaly and no month that ended; checks do not run there and find nothing.
OTHERS = re.compile("openai_|codex_|gemini_")  # the company has none of these
MAY_BE_EMPTY = {
    *("limit_use", "cursor_spend_limits", "claude_spend_limits"),  # its people have no limits
    "threshold_overrides",  # it has no file of limits
    "dim_pseudonym",  # and no salt
    "dim_holiday",  # and no country
    "alert_events",
    "schema_drift_sightings",
    "people",
    "invoices",
    "month_close_acts",
    "month_closes",
    "closed_figures",
    "closed_month_changes",
    "closed_months",
    "invoiced_days",
    "invoiced_lines",
    "invoice_numbers",
    "record_rejections",
    "spend_anomalies",
    "spend_deviations",
    "usage_baselines",
    "new_keys_and_models",
    "former_member_spend",
    "forecast_backtest",
    "forecast_error_ranges",
    "check_results",
    "builds",
}


def test_the_company_of_the_benchmark_fills_every_table_and_blocks_no_day(platform: Platform) -> None:
    """Otherwise the benchmark would not measure a real rebuild."""
    company = Company(people=40, days=MEASURED_DAYS // 12)
    company.fill(platform.warehouse)
    steps = list(rebuild_all(platform.warehouse, [company.span]))
    assert not any(step.blocked or step.skipped not in {"", "a view"} for step in steps if not OTHERS.match(step.name))
    names = {mart.table.name for mart in marts()}
    empty = {step.name for step in steps if step.name in names and not (step.skipped or step.rows)}
    assert {name for name in empty if not OTHERS.match(name)} <= MAY_BE_EMPTY
    filled = {name for name, rows in contents(platform.warehouse.path).items() if rows}
    expected = {table.name for table in TABLES if table.schema == ANALYTICS and not table.view_of}
    expected = {name for name in expected if not OTHERS.match(name)}
    assert filled >= expected - MAY_BE_EMPTY
    methods = "select distinct allocation_method from ai_usage_analytics.claude_cost_shares"
    assert {method for (method,) in platform.sql(methods)} == {"measured"}


def test_an_unknown_command_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy"]) == 2
    assert "make has: demo, ui, backfill" in printed(capsys)


def test_a_bad_setting_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_USAGE_START_DATE", "2999-01-01")
    assert main(["demo"]) == 2
    assert printed(capsys).startswith("Error: AI_USAGE_START_DATE is 2999-01-01")


def test_a_taken_port_is_named_with_another_to_try(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["ui", "--port", str(port)]) == 2
    assert f"Port {port} on 127.0.0.1 cannot be used" in printed(capsys)


@pytest.mark.parametrize("port", ["99999", "65536", "0", "-1", "3000a", "\u0663", ""])
def test_what_is_no_port_is_refused_in_a_sentence(port: str) -> None:
    with pytest.raises(SettingError, match=f"^PORT={port} is not a port; write a number from 1024 to 65535"):
        asked_port(port)
    assert asked_port("65535") == 65535


def test_any_failure_on_a_full_disk_is_reported_as_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), a_full_disk_named(tmp_path):
        _ = 1 // 0
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(WarehouseError, match="No space left in"), a_full_disk_named(tmp_path):
        _ = 1 // 0
    for free, text, sentence in (
        (2**20, "disk I/O error", "No space left in"),
        (2**40, "disk I/O error", r"cannot be written any more \(disk I/O error\)"),
        (2**40, "(sqlite3.OperationalError) database or disk is full", "No space left in"),
    ):
        monkeypatch.setattr(shutil, "disk_usage", _free(free))
        with pytest.raises(WarehouseError, match=sentence), a_full_disk_named(tmp_path):
            raise sqlite3.OperationalError(text)


def _free(much: int) -> Any:
    return lambda _: SimpleNamespace(free=much)


def test_a_run_that_the_command_broke_off_is_ended(tmp_path: Path) -> None:
    """Fault 5: on a full disk Dagster cannot record the end of a run."""
    of = replace(settings(), data_dir=tmp_path)
    (tmp_path / RESERVE).write_bytes(bytes(RESERVED))
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_job_def("pull_cursor")
        ours, others = (instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED) for _ in range(2))
        instance.add_run_tags(ours.run_id, run_by_this_process(ours.run_id))
        instance.add_run_tags(others.run_id, {PROCESS: "another 1"})
        with pytest.raises(OSError, match="No space left"), ends_what_broke_off(of, instance):
            raise OSError(errno.ENOSPC, "No space left on device")
        assert {run.run_id: run.status for run in instance.get_runs()} == {
            others.run_id: dg.DagsterRunStatus.STARTED,
            ours.run_id: dg.DagsterRunStatus.FAILURE,
        }
    assert not (tmp_path / RESERVE).exists()


def test_markup_in_texts_is_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """The printer reads brackets as markup: a stray one would end the command with a traceback."""
    hostile = "[/red] [bold]a@b.cd[/] <script>alert(1)</script>"
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey("x"), check_name="check", passed=False, metadata={}, description=hostile
    )
    print_troubles(Outcome(failures={"raw__x": hostile}, evaluations=[evaluation], skipped={"raw/y": hostile}))
    assert printed(capsys).count(hostile) == 3


def evaluated(check: str, day: date | None, severity: str = "ERROR", why: str = "It does not hold.") -> Any:
    partition = day.isoformat() if day else None
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(["core", "x"]), check_name=check, passed=severity == "", metadata={},
        severity=dg.AssetCheckSeverity(severity or "ERROR"), partition=partition,
        description=f"{partition}: {why}" if partition else why,
    )  # fmt: skip


def test_results_are_printed_failed_first_then_warned_each_with_its_mark_and_days_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Failed and warned differ by their marks, not only by color; equal results of many days are one line."""
    days = Span(date(2026, 11, 3), date(2026, 11, 7)).days
    outcome = Outcome(
        evaluations=[
            evaluated("no_anomaly", days[0], "WARN"),
            *(evaluated("adds_up", day, why=f"{n} USD are missing.") for n, day in enumerate(days)),
            evaluated("adds_up", date(2026, 11, 9), why="Nothing is there."),
            *(evaluated("is_whole", day, "") for day in days),
        ],
        not_evaluated=[
            *(CheckResult("core/x", "adds_up", day, "not evaluated", "No provider was asked.") for day in days),
            CheckResult("core/y", "is_used", None, "not evaluated", "Not configured: KEY is not set."),
            CheckResult("core/z", "is_used", None, "not evaluated", "Not configured: KEY is not set."),
        ],
    )
    assert outcome.summary == "5 passed, 1 warned, 6 failed, 2 not evaluated"
    assert not outcome.is_good
    print_troubles(outcome)
    print_not_evaluated(outcome)
    assert capsys.readouterr().out.splitlines() == [
        "✗ 2026-11-03…2026-11-07 (5 days) adds_up of core/x On 2026-11-03: 0 USD are missing.",
        "✗ 2026-11-09 adds_up of core/x Nothing is there.",
        "! 2026-11-03 no_anomaly of core/x It does not hold.",
        "– not evaluated: 2 checks, such as is_used of core/y: Not configured: KEY is not set.",
    ]


def test_the_table_page_is_generated_from_the_tables() -> None:
    assert TARGET.read_text(encoding="utf-8") == tables_page(TABLES), "run make docs"
