"""All definitions load; the schedule's window; and a run without a key, with a wrong one or with one of few rights."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._serdes import serialize_value

from ai_usage import definitions
from ai_usage.automation.refresh import BUILD, PULL_JOBS
from ai_usage.definitions import build_defs, defs
from ai_usage.marts.gate import gating_checks
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.tables import ANALYTICS_PULLS, SNAPSHOT_PULLS, SPEND_LIMIT_PULLS
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings, settings
from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, LIMITED_KEY, Simulator
from ai_usage_tests.mock_claude import DAY
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.parts import assets_of
from ai_usage_tests.platform import Platform, contents, platform_in

THRESHOLDS = ("anomaly", "growth", "forecast", "backtest", "close", "seat", "limit")

WRONG_KEY = "sk-ant-admin01-wrong-and-never-to-be-seen"


def test_the_definitions_load() -> None:
    dg.Definitions.validate_loadable(defs)
    dg.Definitions.validate_loadable(build_defs(replace(settings(), simulate=True)))


def test_assets_name_the_engine_that_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "shows_simulated_data", lambda _: False)

    def kinds(of: Settings) -> set[str]:
        graph = build_defs(of).resolve_asset_graph()
        return {kind for key in graph.get_all_asset_keys() for kind in graph.get(key).kinds}

    embedded, in_cloud = kinds(settings()), kinds(replace(settings(), warehouse="bigquery", bigquery_project="p"))
    assert embedded - in_cloud == {"duckdb"}
    assert in_cloud - embedded == {"bigquery"}


def test_the_pull_jobs_and_the_build_job_take_everything_once_and_every_daily_asset_takes_a_range_in_one_run() -> None:
    graph = defs.resolve_asset_graph()
    layers = [defs.resolve_job_def(name).asset_layer for name in (*PULL_JOBS, BUILD)]
    assets = [key for layer in layers for key in layer.executable_asset_keys]
    assert Counter(assets) == Counter(graph.materializable_asset_keys)
    checks = [key for layer in layers for key in layer.asset_graph.asset_check_keys]
    assert Counter(checks) == Counter(graph.asset_check_keys)
    for node in graph.asset_nodes:
        if node.partitions_def:
            assert node.backfill_policy == dg.BackfillPolicy.single_run(), node.key


def test_checks_that_gate_a_day_block_and_the_others_do_not() -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert blocking == {check for provider in PROVIDERS for check in gating_checks(provider.gate)}


@dataclass
class Keyed:
    """Runs with the keys of a real environment, against the simulator. `home` keeps everything of the run with the
    wrong key.
    """

    home: Path
    simulator: Simulator
    monkeypatch: pytest.MonkeyPatch

    def run(self, admin_key: str = "", analytics_key: str = "") -> tuple[Outcome, Platform]:
        self.monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", admin_key)
        self.monkeypatch.setenv("ANTHROPIC_ANALYTICS_API_KEY", analytics_key)
        platform = platform_in(self.home)
        if admin_key == WRONG_KEY:
            platform.instance = dg.DagsterInstance.local_temp(str(self.home))
        of: Settings = replace(
            settings(),
            anthropic_base_url=self.simulator.anthropic_url,
            has_anthropic_admin_key=bool(admin_key),
            has_anthropic_analytics_key=bool(analytics_key),
        )
        return platform.refresh(of, Span(DAY, DAY)), platform


@pytest.fixture
def keyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyed]:
    """Runs without boards, which do not matter here."""
    monkeypatch.setattr(definitions, "ASSETS", assets_of(definitions.ASSETS, {"raw", "core", "marts"}, ()))
    with Simulator(now=datetime(2026, 11, 20, 12, tzinfo=UTC)) as simulator:
        yield Keyed(tmp_path, simulator, monkeypatch)


def test_without_a_key_every_asset_succeeds_writes_nothing_and_notes_it(keyed: Keyed) -> None:
    """Case 30: nothing is pulled, built or evaluated."""
    outcome, platform = keyed.run()
    assert keyed.simulator.requests == []
    assert platform.sql("select count(*) from ai_usage_raw.pulls") == [(0,)]
    own = {"dim_provider", "dim_platform"}  # from the test's own platform
    own |= {f"{of}_thresholds" for of in THRESHOLDS}  # which are constants
    assert {table for table, rows in contents(platform.warehouse.path, with_views=True).items() if rows} == own
    assert outcome.not_configured == {
        "claude": "not configured: ANTHROPIC_ADMIN_API_KEY is not set",
        "claude_analytics": "not configured: ANTHROPIC_ADMIN_API_KEY (or ANTHROPIC_ANALYTICS_API_KEY) is not set",
        "claude_enterprise": "not configured: ANTHROPIC_ANALYTICS_API_KEY is not set",
        "cursor": "not configured: CURSOR_ADMIN_API_KEY is not set",
        "openai": "not configured: OPENAI_ADMIN_KEY is not set",
        "google": "not configured: GEMINI_BILLING_TABLE is not set",
        "gemini_usage": "not configured: GEMINI_PROJECTS is not set",
        "codex": "not configured: OPENAI_CODEX_ANALYTICS_KEY is not set",
        "sheet": "not configured: AI_USAGE_SHEET_ID is not set",
    }
    assert outcome.evaluations == {}
    assert outcome.materialized == {}
    assert {one.result for one in outcome.results} <= {"not evaluated"}
    assert [one for one in outcome.results if not one.why.startswith("Not configured: ")] == []


def test_a_refused_key_fails_loudly_with_advice_while_others_go_on_and_is_written_nowhere(
    keyed: Keyed, capfd: pytest.CaptureFixture[str]
) -> None:
    outcome, platform = keyed.run(WRONG_KEY, ANALYTICS_KEY)
    assert not outcome.result.success
    days = ("claude_cost_report_and_totals", "claude_messages_usage", "claude_code_usage")
    of_both = {"raw__claude_analytics_cost", "raw__claude_analytics_usage"}  # each account is asked separately
    of_pulls = {f"raw__{pull}" for pull in (*days, *SNAPSHOT_PULLS) if pull not in SPEND_LIMIT_PULLS} | of_both
    assert outcome.failed.keys() == of_pulls
    assert all(outcome.failed[step].startswith("Anthropic account default: ") for step in of_both)
    assert not any("enterprise" in outcome.failed[step] for step in of_both)
    for why in (outcome.failed[step] for step in of_pulls):
        assert "answered 401: invalid x-api-key" in why
        assert "ANTHROPIC_ADMIN_API_KEY is wrong, revoked or of another kind" in why
    assert "raw__claude_enterprise_users" in outcome.succeeded
    for pull in ANALYTICS_PULLS:
        assert (
            platform.warehouse.pulled_days(pull) == platform.warehouse.pulled_days(pull, account="enterprise") == [DAY]
        )
    assert platform.warehouse.pulled_days("claude_cost_report") == []
    ran = platform.instance.get_runs()
    records = [str(e) + serialize_value(e) for run in ran for e in platform.instance.all_logs(run.run_id)]
    pulled = {"pull_claude", "pull_claude_analytics", "pull_claude_enterprise"}
    assert {run.job_name for run in ran} == {*pulled, "rebuild_days"}
    spoken = capfd.readouterr()
    stored = b"".join(path.read_bytes() for path in keyed.home.rglob("*") if path.is_file())
    for key in (WRONG_KEY, ANALYTICS_KEY):
        assert not any(key in text for text in (*records, *map(serialize_value, ran), spoken.out, spoken.err))
        assert key.encode() not in stored
    assert b"ANTHROPIC_ADMIN_API_KEY" in stored  # its name may be stored, and the search does find text


def test_a_refused_analytics_key_fails_its_own_assets_and_the_money_arrives_all_the_same(keyed: Keyed) -> None:
    outcome, platform = keyed.run(ADMIN_KEY, "sk-ant-wrong")
    assert outcome.failed.keys() == {f"raw__{pull}" for pull in (*ANALYTICS_PULLS, *SPEND_LIMIT_PULLS)}
    assert set(platform.dollars()) == {DAY}
    assert outcome.not_passed("grouped_lines_equal_console_figure") == set()


def test_a_key_that_may_not_read_analytics_skips_them_with_a_note(keyed: Keyed) -> None:
    outcome, platform = keyed.run(LIMITED_KEY)
    assert outcome.result.success
    notes = outcome.noted_anywhere("skipped")
    assert {asset for asset in notes if asset.startswith("raw/claude")} == {
        *(f"raw/{pull}" for pull in ANALYTICS_PULLS if pull != "claude_enterprise_users"),
    }
    assert "it needs a key with the scope read:analytics" in notes["raw/claude_analytics_cost"]
    assert "The provider answered 403" in notes["raw/claude_analytics_cost"]
    assert "ANTHROPIC_ANALYTICS_API_KEY is not set" in outcome.not_configured["claude_enterprise"]
    assert platform.sql("select count(*) from ai_usage_analytics.claude_analytics_costs") == [(0,)]
    assert "core/claude_analytics_costs" not in outcome.materialized
    assert outcome.checks_not_passed() <= {
        "every_key_has_an_owner",
        "no_former_member_spends",
    }  # no sheet is configured here
    assert "Optional, and never pulled" in outcome.not_evaluated("schema_drift", "claude_analytics_cost")[None]
    assert set(platform.dollars()) == {DAY}
