"""The sensor `check_alerts`: which results of checks it reports, once each, to real receivers."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.alerts.delivery import Finding
from ai_usage.automation import alerts as automation
from ai_usage.automation import check_news, event_queries
from ai_usage.check import PASSED, NotEvaluated, failed
from ai_usage.checks.accounts import NEVER_PULLED
from ai_usage.checks.anomalies import evaluate_anomalies
from ai_usage.checks.runner import evaluation
from ai_usage.checks.sheet import unusable
from ai_usage.errors import WarehouseError
from ai_usage.sheet.tabs import TABS
from ai_usage_tests.alerts.receivers import Hook
from ai_usage_tests.alerts.watched import CHECK, CODE, COSTS, DAY, EVENTS, FAILED, NEXT, WARNED, Watched


def test_a_failed_check_is_reported_once_with_amount_day_cause_and_link(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY: FAILED, NEXT: PASSED})
    assert "1 news; 1 delivered" in watched.tick()
    [posted] = web.got
    assert posted.body["subject"] == f"[ai_usage] FAILED {CHECK} of core/claude_costs, {DAY}"
    [item] = posted.body["items"]
    assert item["text"] == "3 USD are missing."
    assert (item["days"], item["severity"]) == ([str(DAY)], "failed")
    assert item["link"] == f"http://127.0.0.1:3000/assets/core/claude_costs?view=checks&checkDetail={CHECK}"
    assert item["runbook"] == f"docs/runbook.md#{CHECK}"
    assert item["likely_cause"].startswith("the run of that day failed")
    for part in (item["text"], item["link"], item["runbook"], item["likely_cause"], str(DAY)):
        assert part in posted.body["text"]
    assert watched.tick() == "no news"
    assert web.asked == 1


def test_where_a_pull_is_missing_the_likely_cause_is_the_run_of_that_day(watched: Watched, web: Hook) -> None:
    watched.alerts = replace(watched.alerts, ui_url="https://usage.example.com")
    watched.evaluate({DAY: failed(f"{NEVER_PULLED}: raw/claude_cost_report.")}, check="every_key_has_an_owner")
    watched.tick()
    [item] = web.got[0].body["items"]
    assert item["likely_cause"].startswith("the run of that day failed")
    assert item["runbook"] == "https://usage.example.com/runbook#never_pulled"


def test_what_is_not_evaluated_neither_alerts_nor_resolves(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY: NotEvaluated("No provider was asked."), None: NotEvaluated("Not configured.")})
    assert watched.tick() == "no news"
    watched.evaluate({DAY: FAILED})
    watched.tick()
    watched.evaluate({DAY: NotEvaluated("No provider was asked.")})
    assert watched.tick() == "no news"
    watched.evaluate({DAY: PASSED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]


def test_a_pass_is_reported_only_after_a_failure(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY: FAILED, NEXT: PASSED, None: WARNED})
    watched.tick()
    watched.evaluate({DAY: PASSED, NEXT: PASSED, None: PASSED})
    watched.tick()
    watched.evaluate({DAY: PASSED})
    watched.tick()
    assert web.subjects == [
        f"[ai_usage] FAILED {CHECK} of core/claude_costs, {DAY}",
        f"[ai_usage] WARNING {CHECK} of core/claude_costs",
        f"[ai_usage] RESOLVED {CHECK} of core/claude_costs",
        f"[ai_usage] RESOLVED {CHECK} of core/claude_costs, {DAY}",
    ]
    assert "Likely cause" not in web.got[-1].body["text"]


def test_an_unchanged_result_is_not_sent_again_and_a_worse_one_is(watched: Watched, web: Hook) -> None:
    for result in (WARNED, WARNED, FAILED, WARNED, FAILED, failed("4 USD are missing.")):
        watched.evaluate({DAY: result})
        watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["WARNING", "FAILED"]


def test_a_failure_after_a_pass_is_sent_again(watched: Watched, web: Hook) -> None:
    for result in (FAILED, PASSED, FAILED, PASSED):
        watched.evaluate({DAY: result})
        watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"] * 2
    assert len({posted.body["key"] for posted in web.got}) == 4


def test_one_check_on_two_assets_is_two_alerts(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY: FAILED})
    watched.evaluate({DAY: FAILED}, asset=CODE)
    watched.tick()
    watched.evaluate({DAY: PASSED}, asset=CODE)
    watched.tick()
    assert [subject.split()[1:] for subject in web.subjects] == [
        ["FAILED", CHECK, "of", "core/claude_code_usage_stats,", str(DAY)],
        ["FAILED", CHECK, "of", "core/claude_costs,", str(DAY)],
        ["RESOLVED", CHECK, "of", "core/claude_code_usage_stats,", str(DAY)],
    ]


def test_a_backfill_with_thirty_bad_days_is_one_digest(watched: Watched, web: Hook) -> None:
    days = [DAY - timedelta(days=n) for n in range(40)]
    watched.evaluate({day: FAILED if n < 30 else WARNED if n < 33 else PASSED for n, day in enumerate(days)})
    watched.evaluate({None: WARNED}, asset=CODE)
    watched.tick()
    [posted] = web.got
    assert posted.body["subject"] == "[ai_usage] 34 alerts: 30 failed, 4 warnings"
    assert [(item["severity"], item["count"]) for item in posted.body["items"]] == [
        ("failed", 30), ("warning", 3), ("warning", 1),
    ]  # fmt: skip
    assert f"{days[29]}…{days[0]} (30 days)" in posted.body["text"]
    watched.evaluate(dict.fromkeys(days, PASSED))
    watched.tick()
    assert web.subjects[1:] == ["[ai_usage] 33 alerts: 33 resolved"]


def test_five_at_once_are_five_messages(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY - timedelta(days=n): FAILED for n in range(5)})
    watched.tick()
    assert len(web.got) == 5


def test_on_the_storage_of_make_ui_thousands_are_read_and_all_are_seen(
    watched: Watched, web: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default SQLite storage has a file of events per run. They are reported once several ticks have read all."""
    monkeypatch.setattr(check_news, "AT_MOST", 40)
    monkeypatch.setattr(event_queries, "PAGE", 15)
    monkeypatch.setattr(event_queries, "OVERLAP", 10)
    (tmp_path / "home").mkdir()
    config = {"telemetry": {"enabled": False}}
    with dg.instance_for_test(temp_dir=str(tmp_path / "home"), overrides=config) as instance:
        watched.instance = instance
        days = [DAY - timedelta(days=n) for n in range(60)]
        watched.evaluate({day: FAILED if n in {3, 59} else PASSED for n, day in enumerate(days)})
        watched.evaluate({days[3]: PASSED})
        assert watched.tick() == "no news"
        watched.tick()
        instance.report_runless_asset_event(evaluation(dg.AssetCheckKey(COSTS, CHECK), None, WARNED))
        watched.tick()
    assert web.subjects == [
        f"[ai_usage] FAILED {CHECK} of core/claude_costs, {days[59]}",
        f"[ai_usage] WARNING {CHECK} of core/claude_costs",
    ]


def test_without_a_channel_there_is_one_sentence_and_a_later_channel_gets_the_failures(
    watched: Watched, web: Hook
) -> None:
    watched.evaluate({DAY: FAILED})
    configured = watched.alerts
    configured.outbox.path.unlink()
    watched.alerts = replace(configured, channels=[])
    for sensor in automation.SENSORS:
        assert watched.tick(sensor).startswith("No channel to send to: set ALERT_SLACK_WEBHOOK_URL")
    assert not configured.outbox.path.exists()
    watched.alerts = configured
    watched.tick()
    assert len(web.got) == 1


def test_a_first_start_is_one_summary_of_all_sources(watched: Watched, web: Hook) -> None:
    with watched.alerts.outbox.transaction() as memory:
        memory.db.execute("delete from cursors")
    days = [DAY + timedelta(days=number) for number in range(9)]
    watched.evaluate(dict.fromkeys(days, FAILED))
    watched.evaluate(dict.fromkeys(days, WARNED), CODE)
    watched.evaluate({DAY: evaluate_anomalies([ANOMALY | {"alert_key": str(n)} for n in range(1000)])}, *SPIKES)
    for sensor in automation.SENSORS:
        watched.tick(sensor)
    [posted] = web.got
    assert posted.body["subject"] == "[ai_usage] First summary: 9 failed, 1,009 warnings"
    assert "This was so when alerts began." in posted.body["text"]
    assert [(item["title"], item["count"]) for item in posted.body["items"]] == [
        (f"{CHECK} of core/claude_costs", 9),
        ("spend_has_no_anomaly: drop of key etl", 1000),
        (f"{CHECK} of core/claude_code_usage_stats", 9),
    ]
    watched.evaluate({DAY: PASSED})
    assert "1 news" in watched.tick()
    assert web.subjects[1].startswith("[ai_usage] RESOLVED")


ANOMALY = {
    "kind": "drop",
    "is_repeat": False,
    "scope": "api_key",
    "label": "etl",
    "provider": "anthropic",
    "contributors": None,
    "spent_usd": Decimal(1),
    "expected_usd": Decimal(9),
    "excess_usd": Decimal(-8),
}
SPIKES = dg.AssetKey(["marts", "spend_anomalies"]), "spend_has_no_anomaly"


def test_the_likely_cause_of_a_drop_is_not_that_of_a_spike(watched: Watched, web: Hook) -> None:
    rows = [{**ANOMALY, "kind": kind, "label": kind, "alert_key": kind} for kind in ("drop", "spike", "new_key")]
    watched.evaluate({DAY: evaluate_anomalies(rows)}, *SPIKES)
    watched.tick(EVENTS)
    causes = {posted.body["items"][0]["title"].rpartition(" ")[2]: posted.body["items"][0]["likely_cause"]
              for posted in web.got}  # fmt: skip
    assert causes["drop"].startswith("a job or key was stopped")
    assert causes["spike"].startswith("a job out of control")
    assert causes["new_key"].startswith("somebody made a key")


@pytest.mark.parametrize(
    ("check", "why", "title"),
    [
        ("sheet_can_be_read", unusable(TABS["people"], ["user_email"]), "the sheet's tab people"),
        (
            "sheet_rows_are_valid",
            "2 rows are rejected: budgets row 3, amount_usd is no amount; seats row 4, plan is empty.",
            "the sheet's tabs budgets, seats",
        ),
        ("sheet_can_be_read", "Google does not answer.", "the sheet"),
    ],
)
def test_the_tab_that_is_wrong_is_named(watched: Watched, web: Hook, check: str, why: str, title: str) -> None:
    watched.evaluate({None: failed(why)}, dg.AssetKey(["raw", "sheet_api_key_mapping"]), check)
    watched.tick()
    assert web.subjects == [f"[ai_usage] FAILED {check} of {title}"]


def test_a_source_that_cannot_be_read_holds_up_no_first_summary(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(_: automation.Tick) -> Finding:
        raise WarehouseError("The published copy is torn.")

    with watched.alerts.outbox.transaction() as memory:
        memory.db.execute("delete from cursors")
    monkeypatch.setattr(automation, "SOURCES", [*automation.SOURCES[:-1], replace(automation.SOURCES[-1], look=torn)])
    watched.evaluate({DAY: FAILED})
    watched.tick()
    assert [item["title"] for post in web.got for item in post.body["items"]] == [f"{CHECK} of core/claude_costs"]
