"""A provider that fails, sends invalid answers or triggers a defect of ours does not affect the other one: its pulls,
tables and boards are the same as where no other provider is configured.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage import definitions
from ai_usage.automation import runs as runs_module
from ai_usage.automation.dead_runs import UNDER_WAY
from ai_usage.automation.refresh import REFRESH_DAY, REFRESH_RANGE, range_tags
from ai_usage.automation.runs import Runs
from ai_usage.commands.refresh import Outcome as Printed
from ai_usage.commands.refresh import outcome_of
from ai_usage.definitions import build_defs
from ai_usage.errors import WarehouseError
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.rows import usage_and_cost
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import settings
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage.simulator import ADMIN_KEY, CURSOR_KEY, Simulator
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb import engine, statements
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import ordinary
from ai_usage_tests.outcome import Outcome, together
from ai_usage_tests.parts import assets_of, behind, checks_of
from ai_usage_tests.platform import QUIET, Platform, contents, platform_in

SPAN = Span(date(2026, 11, 18), date(2026, 11, 19))
BOARDS = {"executive_summary", "cost_allocation", "productivity", "platform_roi"}  # data_trust shows the runs' checks
OF_CLAUDE, OF_CURSOR = ("anthropic", "claude"), ("cursor",)
TABLE = "ai_usage_analytics"


OF_RUNS = {"check_results", "settled_days"}


def by_the_second(days: dict[Any, list[tuple[Any, ...]]]) -> dict[Any, list[tuple[Any, ...]]]:
    """Rows without milliseconds, which depend on how often the clock was read."""
    return {
        day: [tuple(v.replace(microsecond=0) if isinstance(v, datetime) else v for v in row) for row in rows]
        for day, rows in days.items()
    }


@dataclass
class World:
    """A platform, and the outcome of the last runs on it."""

    platform: Platform
    outcome: Outcome
    printed: Printed

    @cached_property
    def tables(self) -> dict[str, Any]:
        """The content of the warehouse, without ids of pulls and runs."""
        found = contents(self.platform.warehouse.path)
        return {name: by_the_second(rows) for name, rows in found.items() if name not in OF_RUNS}

    def part(self, *names: str) -> dict[str, Any]:
        """One provider's tables, and its rows of the tables that all providers share."""
        own = {name: rows for name, rows in self.tables.items() if name.startswith(names)}
        of_all = self.platform.sql(f"select * from {TABLE}.ai_spend where provider in {names} order by all")
        return own | {"ai_spend": of_all}

    @property
    def boards(self) -> dict[str, str]:
        folder = settings().data_dir / "site"
        pages = {name: (folder / f"{name}.html").read_text(encoding="utf-8") for name in BOARDS}
        return {name: re.sub(r"(\d:\d\d:\d\d)\.\d+", r"\1", page) for name, page in pages.items()}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=settings().now, cursor_scale=0.3) as simulator:
        yield simulator


@contextmanager
def runs_of(platform: Platform, simulator: Simulator, *providers: str) -> Iterator[Runs]:
    """Runs with the keys of these providers."""
    of = replace(settings(), has_anthropic_admin_key="claude" in providers, has_cursor_key="cursor" in providers)
    patience = Patience(attempts=1)
    claude = ClaudeAdmin.open(base_url=simulator.anthropic_url, admin_key=ADMIN_KEY, patience=patience)
    cursor = CursorAdmin.open(
        base_url=simulator.cursor_url, key=CURSOR_KEY, now=settings().now, pace=lambda _: None, patience=patience
    )
    with closing(claude), closing(cursor):
        overrides = {
            "warehouse": platform.warehouse,
            "claude_admin": claude if "claude" in providers else None,
            "cursor_admin": cursor if "cursor" in providers else None,
        }
        repository = build_defs(of, overrides=overrides).get_repository_def()
        with platform.warehouse.connected():
            yield Runs(of, repository, platform.instance, platform.warehouse, QUIET)
        platform.warehouse.keep_builds()


def lived(
    platform: Platform, simulator: Simulator, *providers: str, what: Callable[[Runs], None] = lambda r: r.refresh(SPAN)
) -> World:
    with runs_of(platform, simulator, *providers) as runs:
        what(runs)
    return World(platform, together(runs), outcome_of(runs))


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Platform:
    """The ledger has both providers' days; nothing is built."""
    platform = platform_in(tmp_path_factory.mktemp("pulled"))
    lived(platform, simulator, "claude", "cursor", what=lambda runs: runs.pull(SPAN))
    return platform


@pytest.fixture(scope="module")
def both(pulled: Platform, tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> World:
    return built(pulled.copy(tmp_path_factory.mktemp("both")), simulator)


def built(platform: Platform, simulator: Simulator) -> World:
    return lived(platform, simulator, "claude", "cursor", what=lambda runs: runs.build(None))


BOARD = "dashboards/cost_allocation"  # the others differ only in content
MONEY = {"marts/ai_spend", "marts/claude_total_expenses", "marts/spend_by_scope"}


def plant_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only spend, all tables of Cursor, the tables that these read, one board, and the checks of spend's days."""
    own = {
        key.to_user_string() for asset in definitions.ASSETS for key in asset.keys if key.path[1].startswith(OF_CURSOR)
    }
    made = frozenset().union(*(behind(asset) for asset in {*own, *MONEY}))
    looked_at = {"no_day_is_missing", "grouped_lines_equal_console_figure", "unit_price_is_a_list_price"}
    assets = assets_of(definitions.ASSETS, {"raw"}, made | {BOARD})
    monkeypatch.setattr(definitions, "ASSETS", assets)
    monkeypatch.setattr(definitions, "CHECKS", checks_of(definitions.CHECKS, looked_at, assets))


@pytest.fixture(scope="module")
def both_of_few(pulled: Platform, tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> World:
    with pytest.MonkeyPatch.context() as monkeypatch:
        plant_few(monkeypatch)
        world = built(pulled.copy(tmp_path_factory.mktemp("few")), simulator)
    assert world.printed.is_good, world.printed.wrong
    assert world.outcome.materialized.keys() > {BOARD, *MONEY}
    assert all(any(world.part(*of)["ai_spend"]) for of in (OF_CLAUDE, OF_CURSOR))
    return world


@pytest.fixture
def few(both_of_few: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The outcome of both providers when only the assets of `plant_few` are built."""
    plant_few(monkeypatch)
    return both_of_few


@pytest.fixture
def money_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only spend, the tables that it reads, and the checks that these tests use."""
    made = behind("marts/spend_anomalies") | {"marts/claude_total_expenses"}
    looked_at = {"no_day_is_missing", "grouped_lines_equal_console_figure", "spend_has_no_anomaly"}
    assets = assets_of(definitions.ASSETS, {"raw", "core"}, made)
    monkeypatch.setattr(definitions, "ASSETS", assets)
    monkeypatch.setattr(definitions, "CHECKS", checks_of(definitions.CHECKS, looked_at, assets))


def test_with_both_providers_everything_passes(both: World) -> None:
    """The state that the other tests compare with."""
    assert both.printed.is_good, both.printed.wrong
    assert both.outcome.materialized["marts/ai_spend"] == set(SPAN.days)
    assert {f"dashboards/{name}" for name in BOARDS} < both.outcome.materialized.keys()


@pytest.mark.parametrize(
    ("fails", "goes_on", "path"), [("claude", "cursor", "/anthropic"), ("cursor", "claude", "/cursor")]
)
def test_a_provider_that_answers_401_to_everything_leaves_the_other_whole(
    tmp_path_factory: pytest.TempPathFactory, simulator: Simulator, fails: str, goes_on: str, path: str
) -> None:
    """Case 3, first part, and the reverse."""
    alone = lived(platform_in(tmp_path_factory.mktemp("alone")), simulator, goes_on)
    assert alone.printed.is_good, alone.printed.wrong
    boards = alone.boards
    simulator.faults.plan("status", status=401, path=path, times=None)
    try:
        beside = lived(platform_in(tmp_path_factory.mktemp("beside")), simulator, "claude", "cursor")
    finally:
        simulator.faults.clear()
    assert not beside.printed.is_good
    assert {step.split("_")[2] for step in beside.printed.failures} == {fails}
    assert all("answered 401" in why for why in beside.printed.failures.values())
    assert {name for name in alone.tables if alone.tables[name] != beside.tables[name]} == set()
    assert any(beside.tables["ai_spend"].values())
    assert beside.boards == boards
    assert beside.outcome.materialized.keys() == alone.outcome.materialized.keys()
    assert not {asset for asset in beside.outcome.materialized if f"/{fails}" in asset}, "nothing of it is there"


def test_a_report_that_fails_leaves_the_rest_of_its_provider_too(
    tmp_path: Path, simulator: Simulator, few: World
) -> None:
    """Case 3: whatever error a pull raises, the other pulls of its run and the build continue."""
    for path in ("analytics/cost", "claude_code"):
        simulator.faults.plan("status", status=500, path=path, times=None)
    try:
        world = lived(platform_in(tmp_path), simulator, "claude", "cursor")
    finally:
        simulator.faults.clear()
    assert not world.printed.is_good
    assert world.printed.failures.keys() == {"raw__claude_analytics_cost", "raw__claude_code_usage"}
    assert world.part(*OF_CURSOR) == few.part(*OF_CURSOR)
    assert world.tables["claude_total_expenses"] == few.tables["claude_total_expenses"]
    assert "core/claude_code_usage_stats" not in world.outcome.materialized


def broken(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("a defect of ours")


def test_an_exception_in_a_core_step_affects_its_providers_days_and_no_other_provider(
    tmp_path: Path, pulled: Platform, simulator: Simulator, few: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(usage_and_cost, "daily_cost_rows", broken)
        world = built(pulled.copy(tmp_path), simulator)
    assert world.outcome.not_built == {
        "core/claude_daily_cost": "Not built, left as it was: ZeroDivisionError: a defect of ours"
    }
    assert not world.printed.is_good
    assert not world.printed.failures, "no step fails"
    assert world.part(*OF_CURSOR) == few.part(*OF_CURSOR)
    assert "core/claude_daily_cost" not in world.outcome.materialized, "no partition of it looks as if it were there"
    assert world.outcome.not_passed("no_day_is_missing", "claude_costs") == set(SPAN.days)
    assert world.platform.dollars() == {}
    assert BOARD in world.outcome.materialized
    again = built(world.platform, simulator)
    assert again.tables == few.tables, "once it is mended it is built, with what is made of it"


def test_a_sql_error_in_a_mart_affects_only_what_is_made_of_it(
    tmp_path: Path, pulled: Platform, simulator: Simulator, few: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = googlesql.read
    wrong = "select no_such_column as expense_date from ai_usage_analytics.claude_costs"
    monkeypatch.setattr(
        statements, "read", lambda name, of=None: wrong if name.endswith("/claude_cost_shares") else read(name, of)
    )
    world = built(pulled.copy(tmp_path), simulator)
    assert world.outcome.not_built.keys() == {"marts/claude_cost_shares"}
    assert "no_such_column" in world.outcome.not_built["marts/claude_cost_shares"]
    assert not world.printed.is_good
    assert world.part(*OF_CURSOR) == few.part(*OF_CURSOR)
    assert world.tables["claude_costs"] == few.tables["claude_costs"]
    assert world.tables["claude_total_expenses"] == few.tables["claude_total_expenses"]
    assert BOARD in world.outcome.materialized


def test_a_check_that_cannot_run_fails_with_its_reason_and_stops_nothing(
    tmp_path: Path, pulled: Platform, simulator: Simulator, few: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = googlesql.read
    wrong = "select no_such_column from ai_usage_analytics.claude_costs"
    check, broken = "unit_price_is_a_list_price", "providers/anthropic/checks/priced_lines"
    monkeypatch.setattr(engine, "read", lambda name, of=None: wrong if name == broken else read(name, of))
    world = built(pulled.copy(tmp_path), simulator)
    assert world.outcome.not_passed(check) == set(SPAN.days)
    assert "The check could not run: BinderException" in world.outcome.why(check, SPAN.last)
    assert not world.printed.failures
    assert world.tables == few.tables


def test_a_day_of_which_core_has_an_older_version_is_blocked_though_it_has_as_many_rows(
    tmp_path: Path, few: World, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = few.platform.copy(tmp_path)
    total = platform.warehouse.newest("claude_cost_totals", Span(SPAN.last, SPAN.last))
    [record] = total.lines["record"]
    restated = record.replace('"amount":"', '"amount":"9')
    assert restated != record
    platform.warehouse.append("claude_cost_totals", [Answer("anthropic", SPAN.last, [restated.encode()], 1, {})])
    monkeypatch.setattr(usage_and_cost, "daily_cost_rows", broken)
    world = built(platform, simulator)
    assert world.outcome.not_passed("no_day_is_missing", "claude_costs") == {SPAN.last}
    why = world.outcome.why("no_day_is_missing", SPAN.last)
    assert "core holds 0 of the 1 records of claude_cost_totals, and 1 of an older version" in why
    assert world.outcome.noted("marts/claude_total_expenses", SPAN.last)["blocked_by"][0] == "no_day_is_missing"
    assert world.platform.dollars() == few.platform.dollars(), "its last good version stays"


@pytest.mark.usefixtures("money_alone")
def test_a_warehouse_that_cannot_be_used_stops_the_runs(
    tmp_path: Path, pulled: Platform, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise WarehouseError("No space left")

    monkeypatch.setattr(usage_and_cost, "cost_rows", full)
    with (
        runs_of(pulled.copy(tmp_path), simulator, "claude", "cursor") as runs,
        pytest.raises(WarehouseError, match="No space"),
    ):
        runs.build(None)


@pytest.mark.usefixtures("money_alone")
def test_an_interrupted_backfill_stops_and_the_next_one_of_other_days_builds_what_it_pulled(
    tmp_path: Path, simulator: Simulator, both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 34: Ctrl-C once Claude's first day is in the ledger, then the other day."""
    first, last = (Span(day, day) for day in SPAN.days)
    platform = platform_in(tmp_path)
    read = CursorAdmin._events

    def interrupted(admin: CursorAdmin, span: Span, close: datetime) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return read(admin, span, close)

    with monkeypatch.context() as planted:
        planted.setattr(CursorAdmin, "_events", interrupted)
        with runs_of(platform, simulator, "claude", "cursor") as runs, pytest.raises(KeyboardInterrupt):
            runs.refresh(first)
    assert [result.job_def.name for result in runs.results] == ["pull_claude", "pull_claude_analytics", "pull_cursor"]
    assert platform.instance.get_runs_count(dg.RunsFilter(statuses=UNDER_WAY)) == 0
    assert platform.warehouse.pulled_days("claude_cost_report") == [first.last]
    assert platform.dollars() == {}

    after = lived(platform, simulator, "claude", "cursor", what=lambda runs: runs.refresh(last))
    assert platform.dollars() == both.platform.dollars()
    assert after.outcome.not_passed("grouped_lines_equal_console_figure") == set()
    assert after.outcome.not_passed("no_day_is_missing", "claude_costs") == set()
    assert after.outcome.materialized["core/claude_costs"] == set(SPAN.days)


@pytest.mark.usefixtures("money_alone")
def test_after_a_sheet_edit_a_backfill_of_some_days_leaves_one_owner_of_each_key_on_all_days(tmp_path: Path) -> None:
    """Case 35."""
    days = Span(date(2026, 11, 14), date(2026, 11, 19))
    platform, sheet = platform_in(tmp_path), tmp_path / "sheet"
    sheet.mkdir()
    mapping = sheet / "api_key_mapping.csv"
    platform.claude.days = {day: ordinary(100) for day in days.days}
    of = replace(settings(), has_anthropic_admin_key=True, sheet_id=f"csv:{sheet}")

    def backfill(owner: str, span: Span) -> Outcome:
        header = "api_key_id,api_key_name,user_email,team_name,description"
        mapping.write_text(f"{header}\napikey_1,etl,{owner},,\n", encoding="utf-8")
        with closing(platform.claude.admin()) as admin:
            overrides = {"warehouse": platform.warehouse, "claude_admin": admin, "sheet": CsvFolder(sheet)}
            return platform.backfill(build_defs(of, overrides=overrides), of, span)

    backfill("one@example.com", days)
    some = Span(days.first + ONE_DAY, days.first + 2 * ONE_DAY)
    outcome = backfill("other@example.com", some)
    owners = f"select distinct user_email from {TABLE}.ai_spend where api_key_id = 'apikey_1'"
    assert platform.sql(owners) == [("other@example.com",)]
    assert outcome.not_passed("spend_has_no_anomaly") == set()
    assert outcome.materialized["marts/ai_spend"] == set(days.days)


@pytest.mark.usefixtures("money_alone")
def test_the_uis_job_of_a_range_takes_the_same_way_and_fails_if_one_of_its_runs_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform, day = platform_in(tmp_path), Span(SPAN.last, SPAN.last)
    platform.claude.days = {SPAN.last: ordinary()}
    of = replace(settings(), has_anthropic_admin_key=True)
    monkeypatch.setattr(runs_module, "settings", lambda: of)

    def ran(name: str) -> tuple[bool, str, list[str]]:
        before = platform.instance.get_runs_count()
        with closing(platform.claude.admin()) as admin, platform.warehouse.connected():
            overrides = {"warehouse": platform.warehouse, "claude_admin": admin}
            job = build_defs(of, overrides=overrides).get_repository_def().get_job(name)
            result = job.execute_in_process(
                tags=range_tags(day), instance=platform.instance, run_config=QUIET, raise_on_error=False
            )
        runs = platform.instance.get_runs()[: platform.instance.get_runs_count() - before]
        return result.success, str(Outcome(result).failed.get("refresh", "")), [run.job_name for run in runs]

    platform.claude.refuses["/users"] = 500
    success, why, names = ran(REFRESH_RANGE)
    assert (success, names) == (False, ["rebuild_days", "pull_claude_analytics", "pull_claude", REFRESH_RANGE])
    assert why.startswith("raw__claude_users: ")
    assert platform.dollars().keys() == {SPAN.last}
    del platform.claude.refuses["/users"]
    assert ran(REFRESH_DAY)[0]
