"""A run is killed at any point, or two run at once: no day is ever incomplete, and in the end nothing is lost.

Each run is a separate process, which kills itself with SIGKILL at a moment that the test chooses.
"""

import multiprocessing
import os
import re
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from time import sleep
from typing import Any, Self

import dagster as dg
import duckdb
import pytest

from ai_usage.catalog import TABLES
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage_tests import platform as whole
from ai_usage_tests.mock_claude import DAY, ordinary
from ai_usage_tests.platform import OF_OTHERS as ASSETS_OF_OTHERS
from ai_usage_tests.platform import WITHOUT_BOARDS, Ticking, files, made_in, whatever_makes

DAYS = [DAY + timedelta(days=n) for n in range(4)]
SPAN = Span(DAYS[0], DAYS[-1])
EVERY = WITHOUT_BOARDS - dg.AssetSelection.all_asset_checks()
# Some tables for each way of writing: days, a month, the whole table, a directory, a view.
SOME = {
    *("marts/claude_total_expenses", "marts/spend_by_scope", "marts/spend_by_person", "marts/spend_growth"),
    *("core/dim_workspace", "core/spend_versions"),
}
FEW = whatever_makes(*SOME) - ASSETS_OF_OTHERS - dg.AssetSelection.all_asset_checks()
OF_OTHERS = re.compile("(dim_)?(cursor|openai|codex|gemini)_")  # tables of providers that these runs do not ask
OF_MONEY = ("claude_costs", "claude_daily_cost", "claude_usage_tokens", "claude_total_expenses")
BEFORE, AFTER = 10, 20  # dollars per day, approximately: in the first run, and in the next one
VIEWS = {table.name for table in TABLES if table.view_of}  # of tables from before or after a kill
NEVER, RENAME = "never", "rename"
MOMENTS = {  # each just before the named step
    "tables are made": "create table",
    "records are there, their pull is not": "insert into ai_usage_raw.pulls",
    "the old days are deleted": "insert into ai_usage_analytics.claude_costs",
    "the old directory is deleted": "insert into ai_usage_analytics.dim_workspace",
    "the copy is made, but not renamed yet": RENAME,
}

PATIENCE = 300  # seconds, on a machine that is busy with other tests
FORKED = multiprocessing.get_context("forkserver")  # from a process that has imported everything and done nothing
FORKED.set_forkserver_preload([__name__])


def contents(database: Path, *, with_views: bool = False) -> dict[str, Any]:
    """All tables except the list of accounts. These runs pull and build, which no job of the product does, and so may
    list the accounts before the pulls or after them.
    """
    found = whole.contents(database, with_views=with_views)
    return {name: rows for name, rows in found.items() if name != "dim_account"}


def a_run(folder: Path, dollars: int, *, only: dg.AssetSelection = FEW, opens_each_step: bool = False) -> bool:
    """Refresh the range, which ends with an idle day; returns whether all steps succeeded."""
    platform = made_in(folder)
    platform.opens_each_step = opens_each_step
    platform.warehouse.now = Ticking(settings().now() + timedelta(minutes=dollars))  # the second run is later
    platform.claude.days = {day: ordinary(dollars + n) for n, day in enumerate(DAYS[:-1])}
    return bool(platform.run(span=SPAN, only=only).result.success)


def watch(dies_before: str) -> None:
    """From now on this process kills itself before such a statement, or before a file is renamed."""

    def die(deed: str) -> None:
        if dies_before in deed:
            os.kill(os.getpid(), signal.SIGKILL)

    class Connection:
        def __init__(self, inner: duckdb.DuckDBPyConnection) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.inner.close()

        def execute(self, sql: str, *more: Any) -> Any:
            die(sql)
            return self.inner.execute(sql, *more)

    connect, replace = duckdb.connect, Path.replace

    def dying_replace(self: Path, target: Path) -> Path:
        die(RENAME)
        return replace(self, target)

    duckdb.connect = lambda *args, **kwargs: Connection(connect(*args, **kwargs))  # type: ignore[assignment]
    Path.replace = dying_replace  # type: ignore[method-assign,assignment]


def a_run_apart(folder: Path, dollars: int, dies_before: str) -> None:
    if dies_before != NEVER:
        watch(dies_before)
    sys.exit(not a_run(folder, dollars, opens_each_step=True))


def start(folder: Path, dollars: int, dies_before: str = NEVER) -> ForkServerProcess:
    process = FORKED.Process(target=a_run_apart, args=(folder, dollars, dies_before))
    process.start()
    return process


def ended(process: ForkServerProcess) -> int | None:
    """Its exit code; the signal's number, negative, if it was killed."""
    process.join(PATIENCE)
    return process.exitcode


@dataclass(frozen=True)
class Undisturbed:
    """A first run with its folder, and the result of a second run in another folder."""

    folder: Path
    then: Path
    first: dict[str, Any]
    second: dict[str, Any]


def lived(factory: pytest.TempPathFactory, only: dg.AssetSelection) -> Undisturbed:
    folder, then = factory.mktemp("first"), factory.mktemp("second")
    assert a_run(folder, BEFORE, only=only)
    shutil.copytree(folder, then, dirs_exist_ok=True)
    assert a_run(then, AFTER, only=only)
    return Undisturbed(folder, then, contents(folder / "ai_usage.duckdb"), contents(then / "ai_usage.duckdb"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    found = lived(tmp_path_factory, FEW)
    filled = {table for table, rows in found.first.items() if rows}
    assert {asset.partition("/")[2] for asset in SOME} | set(OF_MONEY) <= filled
    assert found.first["claude_costs"][DAY] != found.second["claude_costs"][DAY]
    return found


def test_the_undisturbed_runs_fill_every_table_and_leave_the_idle_day_empty(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    undisturbed = lived(tmp_path_factory, EVERY)
    for folder in (undisturbed.folder, undisturbed.then):
        found = contents(folder / "ai_usage.duckdb", with_views=True)
        assert [list(found[table]) for table in OF_MONEY] == [DAYS[:-1]] * len(OF_MONEY)
        filled = {table for table, rows in found.items() if rows}
        of_the_sheet = {
            "console_figures",
            "budgets",
            "invoices",
            "invoice_numbers",
            "month_closes",
            "closed_figures",
            "closed_month_changes",
            "closed_months",
            "invoiced_days",
            "invoiced_lines",
            "seats",
            "sheet_rejections",
            "claude_usage_stats",
            "provider_figures",
            "figure_readings",
            "figure_coverage",
        }
        not_open = {"claude_analytics_costs", "claude_measured_costs", "claude_measured_cells"}
        not_open |= {"claude_usage_tokens_by_speed", "claude_usage_by_line"}  # on these days each cell has one price
        not_open |= {"claude_mixed_cells", "claude_line_candidates", "claude_line_tokens"}
        not_open |= {"claude_measured_lines", "claude_measured_shares", "claude_tier_shares", "claude_priority_costs"}
        not_open |= {"record_rejections", "unreadable_bills"}  # every record can be used
        not_open |= {"threshold_overrides", "dim_pseudonym", "dim_holiday"}  # no file, no salt and no country is set
        of_longer = {"spend_revisions", "budget_status", "spend_anomalies", "forecast_trials", "forecast_backtest"}
        of_longer |= {"spend_forecast", "spend_growth", "seat_use", "seat_value"}  # few days do not fill these
        not_open |= {"claude_spend_limits"}  # they require a key of an Enterprise organization
        not_open |= {"people"}  # the sheet has no such tab
        of_longer |= {"usage_baselines", "spend_deviations", "new_keys_and_models", "former_member_spend"}
        of_longer |= {"forecast_weekdays", "forecast_states", "forecast_guesses", "forecast_error_ranges"}
        of_longer |= {
            "limit_use",
            "seat_options",
            "seat_plans",
            "seat_plan_totals",
            "seat_summary",
            "seat_mixes",
            "claude_seat_days",
        }
        of_longer |= {"purchased_seats", "alert_events", "schema_drift_sightings"}
        of_longer |= {"check_results"}  # the run's own resource stores these
        own = {table for table in found if not OF_OTHERS.match(table)} - {"focus_1_2"}
        assert own - filled - of_longer == of_the_sheet | not_open
    assert undisturbed.first["claude_costs"][DAY] != undisturbed.second["claude_costs"][DAY]


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_and_run_again_it_is_as_if_nothing_had_happened(
    undisturbed: Undisturbed, tmp_path: Path, moment: str
) -> None:
    is_first = moment == "tables are made"
    if not is_first:
        shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    assert ended(start(tmp_path, AFTER, MOMENTS[moment])) == -signal.SIGKILL
    for table, days in contents(tmp_path / "ai_usage.duckdb").items():
        for day in undisturbed.first[table] if table not in VIEWS else ():
            wholes = [undisturbed.first[table][day], undisturbed.second[table][day]]
            assert days.get(day) in ([None] if is_first else wholes), f"half of {day} in {table}"
    assert is_first or contents(tmp_path / "published.duckdb") == undisturbed.first
    assert a_run(tmp_path, AFTER)
    own: dict[str, Any] = {"spend_versions": ...} if is_first else {}  # the killed run got no answer
    for database in ("ai_usage.duckdb", "published.duckdb"):
        assert contents(tmp_path / database) | own == undisturbed.second | own
    assert files(tmp_path) == {"ai_usage.duckdb", "published.duckdb"}


def test_two_range_runs_at_once_and_a_reader_beside_them_lose_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    runs = [start(tmp_path, BEFORE), start(tmp_path, BEFORE)]
    looks, seen = 0, set()
    while any(run.is_alive() for run in runs):
        copied = (tmp_path / "published.duckdb").stat().st_ino
        days = "select distinct activity_date from ai_usage_analytics.claude_costs order by 1"
        with duckdb.connect(str(tmp_path / "published.duckdb"), read_only=True) as db:
            assert [day for (day,) in db.execute(days).fetchall()] == DAYS[:-1]
        if copied not in seen:
            assert contents(tmp_path / "published.duckdb") == undisturbed.first
        seen.add(copied)
        looks += 1
        sleep(0.5)
    assert [ended(run) for run in runs] == [0, 0]
    assert looks > 5
    assert contents(tmp_path / "ai_usage.duckdb") == undisturbed.first
    with duckdb.connect(str(tmp_path / "ai_usage.duckdb"), read_only=True) as db:
        pulls = db.execute("select pull, activity_date, count(*) from ai_usage_raw.pulls group by all").fetchall()
        assert {times for _, _, times in pulls} == {3}
        records = "select count(*), count(distinct (activity_date, position)) from ai_usage_raw.claude_cost_report"
        assert db.execute(records).fetchall() == [(9, 9)]
