"""The sensor of events: budgets, anomalies and unknown fields, each of which is sent once."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.alerts.news import News, Severity
from ai_usage.automation import event_news
from ai_usage.check import Result, Sightings, failed
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.checks.anomalies import evaluate_anomalies
from ai_usage.checks.sightings import evaluate_sightings
from ai_usage.checks.spending import evaluate_budgets
from ai_usage.redaction import Redaction
from ai_usage.settings import settings
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.alerts.receivers import Hook
from ai_usage_tests.alerts.watched import DAY, EVENTS, FAILED, NEXT, SALT, Watched


def drift(watched: Watched, *things: str, days: int = 1) -> str:
    """A run with these unknown fields or values on each of so many days."""
    seen = Sightings()
    for n in range(days):
        seen.add(DAY + timedelta(days=n), Counter(things), records=3)
    key = dg.AssetCheckKey(dg.AssetKey(["raw", "claude_cost_report"]), "schema_drift")
    watched.evaluate({None: evaluate_sightings(watched.warehouse, key, seen, "Unknown")}, key.asset_key, key.name)
    assert watched.tick() == "no news"  # the result itself is no news
    return watched.tick(EVENTS)


def test_drift_alerts_once_per_pull_and_field_however_many_days_have_it(watched: Watched, web: Hook) -> None:
    assert "1 news" in drift(watched, "unknown field novel", days=30)
    assert drift(watched, "unknown field novel", days=2) == "no news"
    assert drift(watched) == "no news"  # days without it resolve nothing
    assert "1 news" in drift(watched, "unknown field novel", "unknown field newer")
    assert web.subjects == [
        "[ai_usage] WARNING schema_drift: raw/claude_cost_report: unknown field novel",
        "[ai_usage] WARNING schema_drift: raw/claude_cost_report: unknown field newer",
    ]
    assert f"unknown field novel (30× on 30 days, first seen {DAY})" in web.got[0].body["text"]


def budgets(*shares: str) -> Result:
    rows = [{"month": "2026-11", "scope": "total", "scope_name": "all", "budget_usd": Decimal(1000),
             "spent_usd": 1000 * Decimal(share), "spent_ratio": Decimal(share), "threshold_ratio": Decimal(share),
             "crossed_on": DAY, "severity": "ERROR" if share == "1" else "WARN", "alert_key": f"budget/{share}"}
            for share in shares]  # fmt: skip
    return evaluate_budgets(rows)


BUDGETS = dg.AssetKey(["marts", "budget_status"])


def of_budgets(watched: Watched, result: Result) -> str:
    watched.evaluate({None: result}, BUDGETS, "budget_is_not_crossed")
    watched.tick()
    return watched.tick(EVENTS)


def test_each_threshold_of_a_budget_is_reported_once_and_never_as_resolved(watched: Watched, web: Hook) -> None:
    of_budgets(watched, budgets())
    of_budgets(watched, budgets("0.5"))
    of_budgets(watched, budgets("0.5"))
    of_budgets(watched, budgets("0.8"))
    of_budgets(watched, budgets())
    of_budgets(watched, budgets("0.5"))
    of_budgets(watched, budgets("1"))
    title = "budget_is_not_crossed: November 2026 total budget"
    assert web.subjects == [
        f"[ai_usage] WARNING {title}, 50%", f"[ai_usage] WARNING {title}, 80%", f"[ai_usage] FAILED {title}, 100%",
    ]  # fmt: skip
    [item] = web.got[1].body["items"]
    assert "$800.00 of $1,000.00 used (80%)" in item["text"]
    assert (item["link"].endswith("budget_status?view=checks&checkDetail=budget_is_not_crossed"), item["runbook"]) == (
        True, "docs/runbook.md#budget_is_not_crossed",
    )  # fmt: skip


def test_a_check_that_alerts_by_rows_still_reports_that_it_has_no_data(watched: Watched, web: Hook) -> None:
    of_budgets(watched, failed("marts/budget_status is empty: build it."))
    of_budgets(watched, budgets("0.5"))
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED", "WARNING"]


def spike(scope: str, label: str, provider: str | None) -> dict[str, Any]:
    money = {"spent_usd": Decimal(9), "expected_usd": Decimal(1), "excess_usd": Decimal(8), "contributors": None}
    key = {"alert_key": f"{scope}/{label}", "is_repeat": False}
    return {"kind": "spike", "scope": scope, "label": label, "provider": provider, **money, **key}


def spikes(*things: tuple[str, str, str | None]) -> Result:
    return evaluate_anomalies([spike(*thing) for thing in things])


SPIKES, USUAL = dg.AssetKey(["marts", "spend_anomalies"]), "spend_has_no_anomaly"


def test_a_spike_is_reported_once_at_the_finest_scope(watched: Watched, web: Hook) -> None:
    found = spikes(
        ("api_key", "etl", "anthropic"),
        ("model", "opus", "anthropic"),
        ("provider", "anthropic", "anthropic"),
        ("provider", "cursor", "cursor"),
        ("team", "Data", None),
    )
    watched.evaluate({DAY: found, NEXT: spikes(("team", "Data", None))}, SPIKES, USUAL)
    watched.tick(EVENTS)
    assert web.subjects == [
        f"[ai_usage] WARNING {USUAL}: spike of key etl, {DAY}",
        f"[ai_usage] WARNING {USUAL}: spike of cursor, {DAY}",
        f"[ai_usage] WARNING {USUAL}: spike of team Data, {NEXT}",
    ]
    assert "$9.00, $8.00 above the baseline of $1.00" in web.got[0].body["items"][0]["text"]


def test_anomalies_of_weeks_ago_are_not_reported(watched: Watched, web: Hook) -> None:
    old = settings().now().date() - event_news.EVENTS_OF
    watched.evaluate(
        {old - timedelta(days=1): spikes(("team", "A", None)), old: spikes(("team", "B", None))}, SPIKES, USUAL
    )
    watched.tick(EVENTS)
    assert web.subjects == [f"[ai_usage] WARNING {USUAL}: spike of team B, {old}"]


def test_of_a_thousand_events_of_a_run_none_is_lost(watched: Watched, web: Hook) -> None:
    """Dagster's metadata has only 20 of their rows."""
    keys = [f"key-{n:04}" for n in range(1000)]
    watched.evaluate({DAY: spikes(*(("api_key", key, "anthropic") for key in keys)), NEXT: FAILED}, SPIKES, USUAL)
    assert "1000 news" in watched.tick(EVENTS)
    [posted] = web.got
    [item] = posted.body["items"]
    assert (posted.body["more"], item["count"], item["title"], item["days"]) == (0, 1000, USUAL, [str(DAY)])
    assert item["text"].startswith("spike of key key-0000; spike of key key-0001;")
    listed = item["text"].count("spike of")
    assert item["text"].endswith(f"; and {1000 - listed} more: the UI lists them all.")
    with watched.alerts.outbox.transaction() as memory:
        sent = {key for (key,) in memory.db.execute("select key from news")}
    assert sent == {f"api_key/{key}" for key in keys}
    found = watched.warehouse.ask(f"select count(*) as n, count(distinct text) as texts from {ALERT_EVENTS.address}")
    assert found.rows() == [(1000, 1000)]
    watched.evaluate({DAY: spikes(*(("api_key", key, "anthropic") for key in [*keys, "key-new"]))}, SPIKES, USUAL)
    assert "1 news" in watched.tick(EVENTS)


def test_many_events_of_several_checks_have_an_item_each(watched: Watched, web: Hook) -> None:
    watched.evaluate({DAY: spikes(*(("api_key", f"k{n}", "anthropic") for n in range(40)))}, SPIKES, USUAL)
    watched.evaluate({None: budgets("0.5", "1")}, BUDGETS, "budget_is_not_crossed")
    watched.tick(EVENTS)
    items = [(item["severity"], item["title"], item["count"]) for item in web.got[0].body["items"]]
    assert items == [
        ("failed", "budget_is_not_crossed: November 2026 total budget, 100%", 1),
        ("warning", USUAL, 40),
        ("warning", "budget_is_not_crossed: November 2026 total budget, 50%", 1),
    ]


def test_events_that_an_earlier_release_sent_are_not_sent_again(watched: Watched, web: Hook) -> None:
    """The earlier release read them from the results' metadata, under the same keys."""
    sent = [News(key=key, severity=Severity.WARNING, title="x", topic="x") for key in ("budget/0.5", "team/A")]
    with watched.alerts.outbox.transaction() as memory:
        memory.put([], sent, [], watched.alerts.now())
    watched.evaluate({DAY: spikes(("team", "A", None), ("team", "B", None))}, SPIKES, USUAL)
    watched.evaluate({None: budgets("0.5")}, BUDGETS, "budget_is_not_crossed")
    assert "1 news" in watched.tick(EVENTS)
    assert web.subjects == [f"[ai_usage] WARNING {USUAL}: spike of team B, {DAY}"]


def test_a_copy_without_events_has_none_to_report(watched: Watched) -> None:
    """There is no copy yet; it is of an earlier release; or it cannot be read, which another sensor reports."""
    assert watched.tick(EVENTS) == "no news"
    before = DuckDBWarehouse(watched.warehouse.path, watched.warehouse.published_path, [PULLS, BUILDS], settings().now)
    before.publish_anew()
    assert watched.tick(EVENTS) == "no news"
    watched.warehouse.published_path.chmod(0o600)
    watched.warehouse.published_path.write_bytes(b"torn")
    assert watched.tick(EVENTS) == "no news"


def test_the_person_of_an_event_is_sent_and_stored_as_a_pseudonym(watched: Watched, web: Hook) -> None:
    watched.alerts = replace(watched.alerts, outbox=replace(watched.alerts.outbox, redaction=Redaction(salt=SALT)))
    watched.evaluate({DAY: spikes(("person", "ada@example.com", "cursor"))}, SPIKES, USUAL)
    watched.tick(EVENTS)
    watched.tick(EVENTS)
    assert web.asked == 1
    assert "person-" in web.subjects[0]
    kept = watched.alerts.outbox.path.read_bytes() + repr(web.got).encode()
    assert b"ada@example.com" not in kept
