"""The sensor `sheet_changed`: which tabs a change of the sheet requests, and that nothing else requests a run.
test_refresh tests what is built from the tabs, and test_day_of_trouble an edit that the daemon processes.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
from dagster._grpc.client import DEFAULT_SENSOR_GRPC_TIMEOUT

from ai_usage.automation import sheet as automation
from ai_usage.automation.sheet import SheetState, refresh_sheet, sheet_changed
from ai_usage.checks.missing import RANGE_START
from ai_usage.checks.sheet import KEY
from ai_usage.definitions import defs
from ai_usage.errors import SettingError
from ai_usage.ingest.http.retry import Patience
from ai_usage.places import ROOT
from ai_usage.resources import from_settings
from ai_usage.settings import settings
from ai_usage.sheet import client, pulls
from ai_usage.sheet.client import GoogleSheet
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage.sheet.port import Sheet
from ai_usage.sheet.resource import sheet_of
from ai_usage.sheet.tabs import TABS
from ai_usage.simulator import SHEET_ID, UNSHARED_SHEET_ID, Simulator
from ai_usage.simulator.sheet import Tab
from ai_usage.simulator.sheet_cells import Value

MAPPING, USAGE, BUDGETS = "api_key_mapping", "claude_ai_usage", "budgets"
MEANT = client.LITTLE_PATIENCE
OWNER = "somebody.new@example.com"

Harm = Callable[[Simulator], Any]


SMALL = dg.Definitions(
    assets=pulls.ASSETS,
    jobs=[refresh_sheet],
    sensors=[sheet_changed],
    resources={"sheet": None, "warehouse": None},
)
OF_MAPPING, OF_USAGE, OF_BUDGETS = {"raw/sheet_api_key_mapping"}, {"raw/sheet_claude_ai_usage"}, {"raw/sheet_budgets"}


@dataclass
class Watched:
    """The sensor as the daemon runs it: a new context for each tick; only Dagster's cursor persists between ticks."""

    google: Simulator
    sheet: Sheet | None
    graph: dg.Definitions = field(default=SMALL)
    cursor: str | None = None
    last_run_key: str | None = None
    ledger: Any = None
    reported: list[bool] = field(default_factory=list)  # results of `sheet_can_be_read`, in order

    def evaluate(self) -> Any:
        with dg.build_sensor_context(
            cursor=self.cursor, definitions=self.graph, resources={"sheet": self.sheet, "published": self.ledger}
        ) as context:
            context._last_run_key = self.last_run_key
            return sheet_changed.evaluate_tick(context)

    def tick(self) -> list[dg.RunRequest]:
        result = self.evaluate()
        self.cursor = result.cursor
        self.skipped = result.skip_message or ""
        self.reported += [event.passed for event in result.asset_events if event.asset_check_key == KEY]
        asked = list(result.run_requests)
        if asked:
            self.last_run_key = asked[-1].run_key
        return asked

    def add_usage(self, *days: date | str) -> None:
        for day in days:
            row: dict[str, Value] = {"activity_date": str(day), "user_email": OWNER, "message_count": 3}
            header = [str(name) for name in self.google.sheet.tab(USAGE).rows[0]]
            self.google.sheet.append(USAGE, [row.get(name) for name in header])


def assets(request: dg.RunRequest) -> set[str]:
    return {key.to_user_string() for key in request.asset_selection or ()}


@pytest.fixture(autouse=True)
def _no_tick_opens_the_warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a tick opened DuckDB")

    monkeypatch.setattr(duckdb, "connect", refuse)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LITTLE_PATIENCE", Patience(attempts=2, seconds=5, first_wait=0.01, longest_wait=0.01))


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[Simulator, list[Tab]]]:
    """Generating a spreadsheet takes a second; each test gets a fresh copy of the same one."""
    with Simulator(now=settings().now) as simulator:
        yield simulator, deepcopy(simulator.sheet.tabs)


@pytest.fixture
def google(kept: tuple[Simulator, list[Tab]]) -> Simulator:
    simulator, tabs = kept
    simulator.sheet.tabs[:] = deepcopy(tabs)
    simulator.sheet.is_shared = True
    simulator.sheet.touch()
    simulator.faults.clear()
    simulator.requests.clear()
    return simulator


@pytest.fixture
def fresh(google: Simulator) -> Iterator[Watched]:
    """Before the first tick."""
    with closing(GoogleSheet.open(SHEET_ID, base_url=google.google_url)) as sheet:
        yield Watched(google, sheet)


@pytest.fixture
def watched(fresh: Watched) -> Watched:
    """After the first tick."""
    assert fresh.tick()
    fresh.google.requests.clear()
    return fresh


def test_the_first_tick_takes_the_whole_sheet_in_one_run(fresh: Watched) -> None:
    [request] = fresh.tick()
    assert assets(request) == {f"raw/{tab.pull}" for tab in TABS.values() if tab.name != "person_aliases"}
    assert RANGE_START not in request.tags


def test_a_new_sheet_waits_for_the_first_day_of_a_provider(fresh: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    here = replace(settings(), has_cursor_key=True)
    monkeypatch.setattr(automation, "settings", lambda: here)
    assert fresh.tick() == []
    assert "waits for a provider's first day" in fresh.skipped
    days: list[date] = []
    fresh.ledger = SimpleNamespace(ask=lambda _: pl.DataFrame({"activity_date": days}))
    assert fresh.tick() == []
    days.append(settings().yesterday())
    assert len(fresh.tick()) == 1


def test_an_unchanged_sheet_causes_no_run_in_an_hour_and_one_request_per_tick(watched: Watched) -> None:
    before = watched.cursor
    for _ in range(60):
        assert watched.tick() == []
        assert watched.skipped.startswith("unchanged")
    assert [request.path for request in watched.google.requests] == [f"/google/drive/v3/files/{SHEET_ID}"] * 60
    assert watched.cursor == before


def test_a_version_that_moves_without_a_change_is_no_run_and_looked_at_once(watched: Watched) -> None:
    watched.google.sheet.touch()
    assert watched.tick() == []
    assert "no tab" in watched.skipped
    assert len(watched.google.requests) == 3
    assert watched.tick() == []
    assert len(watched.google.requests) == 4


def test_a_cell_of_the_mapping_is_one_run_of_that_tab_alone(watched: Watched) -> None:
    watched.google.sheet.set(MAPPING, 2, "user_email", OWNER)
    [request] = watched.tick()
    assert assets(request) == OF_MAPPING
    assert watched.tick() == []


def test_rows_that_only_move_are_a_change_of_their_tab(watched: Watched) -> None:
    """Rows are identified by number. No day changes, so nothing is built."""
    watched.google.sheet.tab(USAGE).rows[1:] = reversed(watched.google.sheet.tab(USAGE).rows[1:])
    watched.google.sheet.touch()
    assert [assets(request) for request in watched.tick()] == [OF_USAGE]


def test_two_tabs_edited_at_once_are_one_run(watched: Watched) -> None:
    watched.google.sheet.set(MAPPING, 2, "user_email", OWNER)
    watched.google.sheet.set(BUDGETS, 2, "amount_usd", 1)
    assert [assets(request) for request in watched.tick()] == [OF_MAPPING | OF_BUDGETS]


def test_a_burst_of_edits_is_one_run(watched: Watched) -> None:
    for n in range(20):
        watched.google.sheet.set(MAPPING, 2 + n % 3, "user_email", f"person{n}@example.com")
    assert len(watched.tick()) == 1
    assert watched.tick() == []


def test_a_renamed_tab_is_the_same_tab(watched: Watched) -> None:
    watched.google.sheet.rename(MAPPING, "Who has which key")
    assert watched.tick() == []
    watched.google.sheet.set("Who has which key", 2, "user_email", OWNER)
    assert [assets(request) for request in watched.tick()] == [OF_MAPPING]
    assert watched.reported == []


def test_the_same_change_has_the_same_run_key_and_a_change_done_again_another(watched: Watched) -> None:
    was = watched.google.sheet.tab(MAPPING).rows[1][0]
    keys: list[str | None] = []
    for name in ("one", was, "one", was):
        watched.google.sheet.set(MAPPING, 2, 1, name)
        again = [request.run_key for request in watched.evaluate().run_requests]  # a daemon died before it stored this
        watched.google.sheet.touch()
        [request] = watched.tick()
        assert again == [request.run_key]
        keys.append(request.run_key)
    assert len({*keys}) == 4


def test_a_run_that_fails_is_tried_again_by_dagster(watched: Watched) -> None:
    watched.google.sheet.set(MAPPING, 2, "user_email", OWNER)
    [request] = watched.tick()
    assert request.tags["dagster/max_retries"] == "3"
    of_the_instance = (ROOT / "dagster.yaml").read_text(encoding="utf-8")
    assert "run_retries:\n  enabled: true\n  max_retries: 0\n" in of_the_instance  # no other run is retried


def test_a_cursor_of_another_release_is_ignored(watched: Watched) -> None:
    watched.cursor = '{"version": 7}'
    assert [assets(request) > OF_MAPPING for request in watched.tick()] == [True]


def _without_header(google: Simulator) -> None:
    google.sheet.set(MAPPING, 1, 1, "key")


def _with_header(google: Simulator) -> None:
    google.sheet.set(MAPPING, 1, 1, "api_key_id")


@pytest.mark.parametrize("moves", [False, True], ids=["at one version", "while the version moves"])
@pytest.mark.parametrize(
    ("harm", "mend", "why"),
    [
        (
            lambda google: setattr(google.sheet, "is_shared", False),
            lambda google: setattr(google.sheet, "is_shared", True),
            "Share the sheet with",
        ),
        (
            lambda google: google.faults.plan("status", status=503, times=None, path="drive"),
            lambda google: google.faults.clear(),
            "Google answered 503",
        ),
        (
            lambda google: (google.sheet.touch(), google.faults.plan("rate_limit", times=None, path="spreadsheets")),
            lambda google: google.faults.clear(),
            "Google answered 429",
        ),
        (_without_header, _with_header, "api_key_mapping must have api_key_id in its header, once"),
        (
            lambda google: google.sheet.tabs.append(google.sheet.tabs.pop(0)) or google.sheet.remove(MAPPING),
            None,
            "no longer has the tab api_key_mapping",
        ),
    ],
    ids=["not shared", "down", "no quota", "no header", "no tab"],
)
def test_a_broken_sheet_is_reported_once_and_again_when_it_is_repaired(
    watched: Watched, harm: Harm, mend: Harm | None, why: str, *, moves: bool
) -> None:
    tab = watched.google.sheet.tab(MAPPING)
    harm(watched.google)
    for n in range(5):
        assert watched.tick() == []
        assert why in watched.skipped
        assert n == 0 or "still: " in watched.skipped
        if moves:
            watched.google.sheet.touch()
    assert watched.reported == [False]
    if mend:
        mend(watched.google)
    else:
        watched.google.sheet.tabs.append(tab)
        watched.google.sheet.touch()
    for _ in range(3):
        assert watched.tick() == []
    assert watched.reported == [False, True]
    watched.google.sheet.set(MAPPING, 2, "user_email", OWNER)
    assert [assets(request) for request in watched.tick()] == [OF_MAPPING]


def test_an_edit_during_an_outage_of_the_sheet_is_not_lost(watched: Watched) -> None:
    watched.google.sheet.is_shared = False
    assert watched.tick() == []
    watched.google.sheet.set(MAPPING, 2, "user_email", OWNER)
    assert watched.tick() == []
    watched.google.sheet.is_shared = True
    assert [assets(request) for request in watched.tick()] == [OF_MAPPING]
    assert watched.reported == [False, True]


def test_a_tab_without_its_header_does_not_block_the_other_tabs(watched: Watched) -> None:
    _without_header(watched.google)
    watched.google.sheet.set(BUDGETS, 2, "amount_usd", 1)
    assert [assets(request) for request in watched.tick()] == [OF_BUDGETS]
    assert watched.reported == [False]


def test_another_failure_is_reported_again_but_not_alternating_errors_while_google_is_down(watched: Watched) -> None:
    _without_header(watched.google)
    watched.tick()
    for status in (500, 429, 503, 500):
        watched.google.faults.plan("status", status=status, times=2, path="drive")
        watched.tick()
        assert f"Google answered {status}" in watched.skipped
    assert watched.reported == [False, False]
    watched.google.sheet.is_shared = False
    watched.tick()
    assert watched.reported == [False, False, False]


def test_an_unshared_sheet_is_reported_once_from_the_first_tick_on(google: Simulator) -> None:
    with closing(GoogleSheet.open(UNSHARED_SHEET_ID, base_url=google.google_url)) as sheet:
        watched = Watched(google, sheet)
        assert [watched.tick() for _ in range(3)] == [[], [], []]
        assert watched.reported == [False]
        assert SheetState.read(watched.cursor).tabs == {}


def test_a_tick_gives_up_long_before_dagster_gives_up_on_the_tick(watched: Watched) -> None:
    assert isinstance(watched.sheet, GoogleSheet)
    assert watched.sheet.patience is client.LITTLE_PATIENCE
    slowest = 3 * (sum(client.SHORT_TIMEOUT) + MEANT.seconds)  # three requests per tick
    assert slowest < DEFAULT_SENSOR_GRPC_TIMEOUT


def test_without_a_sheet_nothing_is_checked(google: Simulator) -> None:
    watched = Watched(google, None)
    assert watched.tick() == []
    assert "AI_USAGE_SHEET_ID is not set" in watched.skipped


def test_missing_credentials_are_reported_like_any_other_failure(
    google: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_credentials(_: Any) -> None:
        raise SettingError("No Google credentials")

    monkeypatch.setattr("ai_usage.sheet.resource.open_sheet", no_credentials)
    watched = Watched(google, from_settings(lambda: sheet_of(settings())))  # type: ignore[arg-type]
    assert [watched.tick() for _ in range(3)] == [[], [], []]
    assert "No Google credentials" in watched.skipped
    assert watched.reported == [False]


def test_a_folder_of_csv_files_is_watched_too(google: Simulator, tmp_path: Path) -> None:
    (tmp_path / "budgets.csv").write_text("month,scope,amount_usd\n2026-11,total,100\n", encoding="utf-8")
    watched = Watched(google, CsvFolder(tmp_path))
    assert len(watched.tick()) == 1
    assert watched.tick() == []
    (tmp_path / "budgets.csv").write_text("month,scope,amount_usd\n2026-11,total,2000\n", encoding="utf-8")
    assert [assets(request) for request in watched.tick()] == [OF_BUDGETS]


def test_the_cursor_has_no_content_of_the_sheet(watched: Watched) -> None:
    watched.google.sheet.set(MAPPING, 2, "user_email", OWNER)
    watched.tick()
    assert "@" not in (watched.cursor or "@")


def test_the_job_has_only_the_tabs() -> None:
    job = defs.resolve_job_def("refresh_sheet").asset_layer.executable_asset_keys
    assert {key.to_user_string() for key in job} == {f"raw/{tab.pull}" for tab in TABS.values()}


def test_the_sensor_runs_by_itself_once_a_minute() -> None:
    assert sheet_changed.default_status == dg.DefaultSensorStatus.RUNNING
    assert sheet_changed.minimum_interval_seconds == 60
    assert defs.resolve_sensor_def("sheet_changed") is sheet_changed
