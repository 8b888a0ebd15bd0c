"""Simulated and real data are never mixed, and every output is marked by the data in the warehouse."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ai_usage import runbook_page
from ai_usage.alerts.resource import alerts_of
from ai_usage.commands import demo
from ai_usage.commands.__main__ import main
from ai_usage.commands.backfill import tell_outcome
from ai_usage.commands.refresh import Outcome
from ai_usage.commands.terminal import OUT
from ai_usage.dashboards import site
from ai_usage.definitions import build_defs
from ai_usage.settings import settings
from ai_usage_tests.ingest.stand_in import ADMIN, StandIn, standing_in
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform, platform_in, whatever_makes
from ai_usage_tests.printed import printed
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import answer


@pytest.fixture
def home(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """A platform that the commands find through the settings, with a published copy."""
    folder = platform.warehouse.path.parent
    platform.warehouse.published_path = folder / "ai_usage_published.duckdb"
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    monkeypatch.setenv("DAGSTER_HOME", "")
    return platform


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A provider that the commands take for a real one, with its key set."""
    with standing_in() as stand_in:
        monkeypatch.setenv("ANTHROPIC_ADMIN_BASE_URL", stand_in.url)
        monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", ADMIN)
        yield stand_in


@pytest.mark.parametrize("is_published", [False, True])
@pytest.mark.parametrize("command", [["demo"], ["backfill"], ["ui", "--port", "3999"]])
def test_with_a_real_key_a_simulated_warehouse_is_refused_before_any_pull(
    home: Platform, real: StandIn, capsys: pytest.CaptureFixture[str], command: list[str], *, is_published: bool
) -> None:
    """Case 31: it was refused only after all pulls."""
    append(home, answer(DAY, "1", is_simulated=True))
    if is_published:
        home.warehouse.publish()
    assert main(command) == 2
    assert printed(capsys) == (
        f"Error: {home.warehouse.path} holds simulated data, and real data would join them: nothing was pulled. Start "
        "afresh with make reset, which deletes what is there, or set AI_USAGE_DATA_DIR to another folder."
    )
    assert not real.asked


def test_without_a_key_a_real_warehouse_gets_no_simulated_data_and_no_advice_to_delete_it(
    home: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    append(home, answer(DAY, "1"))
    monkeypatch.setenv("AI_USAGE_SIMULATE", "1")
    for command in ("demo", "backfill", "ui"):
        assert main([command]) == 2
        output = printed(capsys)
        assert "holds real data, and simulated data would join them: nothing was pulled. Set a provider's key" in output
        assert "reset" not in output


def test_a_job_is_refused_before_it_asks_anybody(platform: Platform) -> None:
    """Case 31, run by a daemon."""
    append(platform, answer(DAY, "1", is_simulated=True))
    outcome = platform.run({NEXT: ["100"]}, only=whatever_makes("core/spend_versions", "core/claude_daily_cost"))
    whys = {step: why for step, why in outcome.failed.items() if step.startswith("raw__")}
    assert "raw__claude_cost_report_and_totals" in whys
    assert all("holds simulated data, and real data would join them: nothing was pulled" in w for w in whys.values())
    assert platform.claude.asked.total() == 0


MARKED: dict[str, Callable[[Platform], bool]] = {}


def shows(name: str) -> Callable[[Callable[[Platform], bool]], Callable[[Platform], bool]]:
    def keep(is_marked: Callable[[Platform], bool]) -> Callable[[Platform], bool]:
        MARKED[name] = is_marked
        return is_marked

    return keep


@shows("a board's page")
def _page(home: Platform) -> bool:
    assert main(["dashboards"]) == 0
    pages = (home.warehouse.path.parent / "site").glob("*.html")
    boards = (page for page in pages if page.name != runbook_page.FILE)
    marks = {site.SIMULATED in page.read_text(encoding="utf-8") for page in boards}
    assert len(marks) == 1
    return marks.pop()


@shows("what a backfill or a build prints")
def _outcome(home: Platform) -> bool:
    of = replace(settings(), data_dir=home.warehouse.path.parent)
    with OUT.capture() as captured:
        tell_outcome(of, Outcome(), 1)
    assert "1 day " in captured.get()
    return "SIMULATED DATA" in captured.get()


@shows("an asset's description")
def _asset(home: Platform) -> bool:
    of = replace(settings(), data_dir=home.warehouse.path.parent, simulate=True)
    marks = {"SIMULATED DATA" in (spec.description or "") for spec in build_defs(of).resolve_all_asset_specs()}
    assert len(marks) == 1
    return marks.pop()


@shows("an alert")
def _alert(home: Platform) -> bool:
    return alerts_of(replace(settings(), data_dir=home.warehouse.path.parent)).is_simulated


@pytest.mark.parametrize("is_simulated", [False, True])
@pytest.mark.parametrize("what", sorted(MARKED))
def test_what_is_shown_is_marked_by_the_data_and_not_by_the_settings(
    home: Platform, monkeypatch: pytest.MonkeyPatch, what: str, *, is_simulated: bool
) -> None:
    """Case 31. The settings are the opposite each time."""
    append(home, answer(DAY, "1", is_simulated=is_simulated))
    home.warehouse.publish()
    monkeypatch.setenv("AI_USAGE_SIMULATE", "0" if is_simulated else "1")
    (home.warehouse.path.parent / "dagster").mkdir()
    assert MARKED[what](home) is is_simulated


def test_the_demos_summary_is_marked_by_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 31: the summary lacked the mark. test_first_hour has the summary of simulated data."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    of = replace(settings(), data_dir=tmp_path, simulate=True)
    home = platform_in(tmp_path)
    home.run({DAY: ["1000"]}, only=whatever_makes("marts/ai_spend", "core/claude_daily_cost"))
    monkeypatch.setattr(demo, "refresh", lambda *_: Outcome())
    assert demo.run(of, []) == 0
    output = printed(capsys)
    assert "AI usage ─" in output
    assert "$10.00" in output
    assert "SIMULATED" not in output
