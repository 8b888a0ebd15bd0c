"""The sensors `check_alerts` and `run_failure_alerts`: what they tell of checks and runs, once, to real receivers."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent

from ai_usage.alerts.channels import Slack, Webhook
from ai_usage.alerts.delivery import Alerts, Persistence
from ai_usage.alerts.mail import Mail, MailServer
from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Outbox
from ai_usage.automation import alerts as automation
from ai_usage.automation import check_news, event_news, event_queries, run_news
from ai_usage.automation.dead_runs import DIED
from ai_usage.automation.refresh import CHAIN, range_tags
from ai_usage.check import PASSED, NotEvaluated, Result, Sightings, failed, warned
from ai_usage.checks.accounts import NEVER_PULLED
from ai_usage.checks.anomalies import evaluate_anomalies
from ai_usage.checks.events import ALERT_EVENTS, keep_events
from ai_usage.checks.runner import evaluation, stored
from ai_usage.checks.sightings import SCHEMA_DRIFT_SIGHTINGS, evaluate_sightings
from ai_usage.checks.spending import evaluate_budgets
from ai_usage.partitions import Span
from ai_usage.redaction import Redaction
from ai_usage.settings import settings
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.alerts.receivers import Hook, Post, dead_port, drip, hook, post
from ai_usage_tests.platform import QUIET

DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)
CLAIM = "no_day_is_missing"
COSTS, CODE = dg.AssetKey(["core", "claude_costs"]), dg.AssetKey(["core", "claude_code_usage_stats"])
CHECKS, RUNS, _, EVENTS = automation.SENSORS
HURRY = Persistence(attempts=2, first_wait=0.01, seconds=5)
SALT = "0123456789abcdef"

Verdicts = Mapping[date | None, Result | NotEvaluated]
RED, YELLOW = failed("3 USD are missing."), warned("Looks odd.")


class Dead(BaseException):
    """The daemon was killed."""


@dataclass
class Watched:
    """The sensors as the daemon runs them: a new process each tick, and between ticks only what is on disk."""

    instance: dg.DagsterInstance
    alerts: Alerts
    warehouse: DuckDBWarehouse
    said: str = ""
    truth: dict[dg.AssetKey, Verdicts] = field(default_factory=dict)

    def judge(self, verdicts: Verdicts, asset: dg.AssetKey = COSTS, claim: str = CLAIM) -> None:
        """A run from the command line, whose check comes to these verdicts."""
        spec = dg.AssetCheckSpec(claim, asset=asset)

        @dg.multi_asset_check(specs=[spec])
        def judged() -> Iterator[Any]:
            keep_events(self.warehouse, spec.key, verdicts)
            yield from stored(spec, verdicts)

        result = dg.materialize([dg.AssetSpec(asset), judged], instance=self.instance, run_config=QUIET,
                                selection=dg.AssetSelection.checks(judged))  # fmt: skip
        assert result.success
        if self.warehouse.path.exists():
            self.warehouse.publish()

    def tick(self, sensor: dg.SensorDefinition = CHECKS) -> str:
        with dg.build_sensor_context(instance=self.instance, resources={"alerts": self.alerts}) as context:
            said = sensor.evaluate_tick(context)
        assert not said.run_requests
        self.said = said.skip_message or ""
        return self.said


@pytest.fixture
def web() -> Iterator[Hook]:
    with hook() as found:
        yield found


@pytest.fixture
def mails() -> Iterator[Post]:
    with post() as found:
        yield found


@pytest.fixture
def watched(tmp_path: Path, web: Hook, monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Whom a webhook listens to, over Dagster's default storage but for its speed."""
    instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "dagster"))
    now = lambda: datetime(2026, 11, 12, tzinfo=UTC)  # noqa: E731
    outbox = Outbox(tmp_path / "state" / "alerts.sqlite")
    of = replace(settings(), data_dir=tmp_path)
    monkeypatch.setattr(automation, "settings", lambda: of)
    tables = [PULLS, BUILDS, ALERT_EVENTS, SCHEMA_DRIFT_SIGHTINGS]
    warehouse = DuckDBWarehouse(of.database, of.published_database, tables, of.now)
    return Watched(instance, Alerts(outbox, [Webhook(web.url)], now, is_simulated=False, persistence=HURRY), warehouse)


def test_a_failed_check_is_told_once_with_what_how_much_which_day_why_and_where(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: RED, NEXT: PASSED})
    assert "1 news; 1 delivered" in watched.tick()
    [posted] = web.got
    assert posted.body["subject"] == f"[ai_usage] FAILED {CLAIM} of core/claude_costs, {DAY}"
    [item] = posted.body["items"]
    assert item["text"] == "3 USD are missing."
    assert (item["days"], item["severity"]) == ([str(DAY)], "failed")
    assert item["link"] == f"http://127.0.0.1:3000/assets/core/claude_costs?view=checks&checkDetail={CLAIM}"
    assert item["runbook"] == f"docs/runbook.md#{CLAIM}"
    assert item["likely_cause"].startswith("the run of that day failed")
    for said in (item["text"], item["link"], item["runbook"], item["likely_cause"], str(DAY)):
        assert said in posted.body["text"]
    assert watched.tick() == "no news"
    assert web.asked == 1


def test_where_a_pull_is_missing_the_cause_is_not_the_checks(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: failed(f"{NEVER_PULLED}: raw/claude_cost_report.")}, claim="every_key_has_an_owner")
    watched.tick()
    [item] = web.got[0].body["items"]
    assert item["likely_cause"].startswith("the run of that day failed")
    assert item["runbook"] == "docs/runbook.md#never_pulled"


def test_what_is_not_evaluated_neither_alerts_nor_resolves(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: NotEvaluated("No provider was asked."), None: NotEvaluated("Not configured.")})
    assert watched.tick() == "no news"
    watched.judge({DAY: RED})
    watched.tick()
    watched.judge({DAY: NotEvaluated("No provider was asked.")})
    assert watched.tick() == "no news"
    watched.judge({DAY: PASSED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]


def drift(watched: Watched, *things: str, days: int = 1) -> str:
    """A run whose records have these things on each of so many days."""
    seen = Sightings()
    for n in range(days):
        seen.add(DAY + timedelta(days=n), Counter(things), records=3)
    key = dg.AssetCheckKey(dg.AssetKey(["raw", "claude_cost_report"]), "schema_drift")
    watched.judge({None: evaluate_sightings(watched.warehouse, key, seen, "Unknown")}, key.asset_key, key.name)
    assert watched.tick() == "no news"  # the result itself is none
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


def test_green_is_told_where_red_was_and_only_there(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: RED, NEXT: PASSED, None: YELLOW})
    watched.tick()
    watched.judge({DAY: PASSED, NEXT: PASSED, None: PASSED})
    watched.tick()
    watched.judge({DAY: PASSED})
    watched.tick()
    assert web.subjects == [
        f"[ai_usage] FAILED {CLAIM} of core/claude_costs, {DAY}",
        f"[ai_usage] WARNING {CLAIM} of core/claude_costs",
        f"[ai_usage] RESOLVED {CLAIM} of core/claude_costs",
        f"[ai_usage] RESOLVED {CLAIM} of core/claude_costs, {DAY}",
    ]
    assert "Likely cause" not in web.got[-1].body["text"]


def test_the_same_verdict_again_is_no_news_and_a_worse_one_is(watched: Watched, web: Hook) -> None:
    for verdict in (YELLOW, YELLOW, RED, YELLOW, RED, failed("4 USD are missing.")):
        watched.judge({DAY: verdict})
        watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["WARNING", "FAILED"]


def test_red_again_after_green_is_news_again(watched: Watched, web: Hook) -> None:
    for verdict in (RED, PASSED, RED, PASSED):
        watched.judge({DAY: verdict})
        watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"] * 2
    assert len({posted.body["key"] for posted in web.got}) == 4


def test_two_assets_with_one_claim_are_two(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: RED})
    watched.judge({DAY: RED}, asset=CODE)
    watched.tick()
    watched.judge({DAY: PASSED}, asset=CODE)
    watched.tick()
    assert [subject.split()[1:] for subject in web.subjects] == [
        ["FAILED", CLAIM, "of", "core/claude_code_usage_stats,", str(DAY)],
        ["FAILED", CLAIM, "of", "core/claude_costs,", str(DAY)],
        ["RESOLVED", CLAIM, "of", "core/claude_code_usage_stats,", str(DAY)],
    ]


def test_a_backfill_with_thirty_bad_days_is_one_digest(watched: Watched, web: Hook) -> None:
    days = [DAY - timedelta(days=n) for n in range(40)]
    watched.judge({day: RED if n < 30 else YELLOW if n < 33 else PASSED for n, day in enumerate(days)})
    watched.judge({None: YELLOW}, asset=CODE)
    watched.tick()
    [posted] = web.got
    assert posted.body["subject"] == "[ai_usage] 34 alerts: 30 failed, 4 warning"
    assert [(item["severity"], item["count"]) for item in posted.body["items"]] == [
        ("failed", 30), ("warning", 3), ("warning", 1),
    ]  # fmt: skip
    assert f"{days[29]}…{days[0]} (30 days)" in posted.body["text"]
    watched.judge(dict.fromkeys(days, PASSED))
    watched.tick()
    assert web.subjects[1:] == ["[ai_usage] 33 alerts: 33 resolved"]


def test_five_at_once_are_five_messages(watched: Watched, web: Hook) -> None:
    watched.judge({DAY - timedelta(days=n): RED for n in range(5)})
    watched.tick()
    assert len(web.got) == 5


def test_on_the_storage_of_make_ui_thousands_are_read_and_all_are_seen(
    watched: Watched, web: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default SQLite storage, whose events lie in a file a run; read over several ticks, told when all are read."""
    monkeypatch.setattr(check_news, "AT_MOST", 40)
    monkeypatch.setattr(event_queries, "PAGE", 15)
    monkeypatch.setattr(event_queries, "OVERLAP", 10)
    (tmp_path / "home").mkdir()
    config = {"telemetry": {"enabled": False}}
    with dg.instance_for_test(temp_dir=str(tmp_path / "home"), overrides=config) as instance:
        watched.instance = instance
        days = [DAY - timedelta(days=n) for n in range(60)]
        watched.judge({day: RED if n in {3, 59} else PASSED for n, day in enumerate(days)})
        watched.judge({days[3]: PASSED})
        assert watched.tick() == "no news"
        watched.tick()
        instance.report_runless_asset_event(evaluation(dg.AssetCheckKey(COSTS, CLAIM), None, YELLOW))
        watched.tick()
    assert web.subjects == [
        f"[ai_usage] FAILED {CLAIM} of core/claude_costs, {days[59]}",
        f"[ai_usage] WARNING {CLAIM} of core/claude_costs",
    ]


def test_nobody_configured_is_one_sentence_and_what_is_red_is_told_when_somebody_is(
    watched: Watched, web: Hook
) -> None:
    watched.judge({DAY: RED})
    told = watched.alerts
    watched.alerts = replace(told, channels=[])
    for sensor in automation.SENSORS:
        assert watched.tick(sensor).startswith("No channel to send to: set ALERT_SLACK_WEBHOOK_URL")
    assert not told.outbox.path.exists()
    watched.alerts = told
    watched.tick()
    assert len(web.got) == 1


# Restarts.


def restart_at(monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, *, after: bool) -> Callable[[], None]:
    """The daemon dies the first time this method is called, before it did anything or when it has done all."""
    works = getattr(owner, method)

    def dies(*args: Any, **kwargs: Any) -> None:
        if after:
            works(*args, **kwargs)
        raise Dead

    monkeypatch.setattr(owner, method, dies)
    return lambda: monkeypatch.setattr(owner, method, works)


@pytest.mark.parametrize(
    ("owner", "method", "after"),
    [
        (Outbox, "ended", True),  # sent and noted, but the tick does not end
        (Webhook, "send", False),
        (Outbox, "waiting", False),  # in the outbox, and nothing sent
        (check_news, "_news", False),  # in the middle of the transaction
    ],
)
def test_a_restart_in_the_middle_sends_nothing_twice_and_loses_nothing(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch, owner: Any, method: str, *, after: bool
) -> None:
    watched.judge({DAY: RED, NEXT: YELLOW})
    revive = restart_at(monkeypatch, owner, method, after=after)
    with pytest.raises(Dead):
        watched.tick()
    revive()
    watched.judge({DAY: RED, NEXT: YELLOW})
    for _ in range(2):
        watched.tick()
    assert sorted(subject.split()[1] for subject in web.subjects) == ["FAILED", "WARNING"]


def test_what_was_told_when_the_daemon_died_is_resolved_later(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.judge({DAY: RED})
    revive = restart_at(monkeypatch, Outbox, "ended", after=True)
    with pytest.raises(Dead):
        watched.tick()
    revive()
    watched.judge({DAY: PASSED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]


def test_killed_between_the_receivers_yes_and_our_note_the_same_key_comes_again(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window that remains: the receiver can tell by the key."""
    watched.judge({DAY: RED})
    revive = restart_at(monkeypatch, Outbox, "ended", after=False)
    with pytest.raises(Dead):
        watched.tick()
    revive()
    watched.tick()
    first, second = web.got
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == first.body["key"]


def test_two_ticks_at_once_do_not_send_the_same(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: RED})
    during: list[str] = []

    def tick_meanwhile() -> None:
        if not during:
            during.append("")
            during.append(watched.tick())

    web.before_answer = tick_meanwhile
    watched.tick()
    assert "another tick is delivering" in during[1]
    assert len(web.got) == 1


def test_a_receiver_that_drips_delays_no_other_and_is_given_up_in_time(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers at a byte each moment never reach a timeout of reads. The same for a mail server's answer."""
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS_IN_ALL", 1)
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS_IN_ALL", 1)
    with drip(b"HTTP/1.1 200 OK\r\nx: ") as slow, drip(b"220-") as slow_mail, drip(b"220 ok\r\n250-") as later:
        servers = [MailServer("127.0.0.1", port, is_tls=False, user="", password="") for port in (slow_mail, later)]
        slow_mails = [Mail(server, f"{server.port}@example.com") for server in servers]
        slow_web = Webhook(f"http://127.0.0.1:{slow}/", name="slow")
        watched.alerts = replace(watched.alerts, channels=[slow_web, *slow_mails, *watched.alerts.channels])
        watched.judge({DAY: RED})
        began = monotonic()
        said = watched.tick()
        assert monotonic() - began < 30
        assert "slow is waiting: The webhook did not answer within 1 s." in said
        assert "The mail server did not take the message within 1 s." in said
        assert len(web.got) == 1


def test_a_channel_that_is_held_by_another_tick_delays_no_other(watched: Watched, web: Hook) -> None:
    slow = Webhook(f"http://127.0.0.1:{dead_port()}/", name="slow")
    watched.alerts = replace(watched.alerts, channels=[slow, *watched.alerts.channels])
    watched.judge({DAY: RED})
    with watched.alerts.outbox.delivering("slow") as is_ours:
        assert is_ours
        assert watched.tick() == "1 news; 1 delivered; slow is waiting: another tick is delivering"
    assert len(web.got) == 1


def test_an_emptied_event_log_is_read_from_its_beginning(watched: Watched, web: Hook, tmp_path: Path) -> None:
    for _ in range(3):
        watched.judge({DAY: RED, NEXT: PASSED})
    watched.tick()
    watched.instance = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path / "another"))
    watched.judge({DAY: RED, NEXT: YELLOW})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "WARNING"]


# Events, each of which is sent once.


def budgets(*shares: str) -> Result:
    rows = [{"month": "2026-11", "scope": "total", "scope_name": "all", "budget_usd": Decimal(1000),
             "spent_usd": 1000 * Decimal(share), "spent_ratio": Decimal(share), "threshold_ratio": Decimal(share),
             "crossed_on": DAY, "severity": "ERROR" if share == "1" else "WARN", "alert_key": f"budget/{share}"}
            for share in shares]  # fmt: skip
    return evaluate_budgets(rows)


BUDGETS = dg.AssetKey(["marts", "budget_status"])


def of_budgets(watched: Watched, verdict: Result) -> str:
    watched.judge({None: verdict}, BUDGETS, "budget_is_not_crossed")
    watched.tick()
    return watched.tick(EVENTS)


def test_each_threshold_of_a_budget_is_told_once_and_never_as_resolved(watched: Watched, web: Hook) -> None:
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


def test_of_a_claim_told_by_rows_blindness_is_told_as_of_any_other(watched: Watched, web: Hook) -> None:
    of_budgets(watched, failed("marts/budget_status is empty: build it."))
    of_budgets(watched, budgets("0.5"))
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED", "WARNING"]


def spike(scope: str, label: str, provider: str | None) -> dict[str, Any]:
    money = {"spent_usd": Decimal(9), "expected_usd": Decimal(1), "excess_usd": Decimal(8), "contributors": None}
    key = {"alert_key": f"{scope}/{label}"}
    return {"kind": "spike", "scope": scope, "label": label, "provider": provider, **money, **key}


def spikes(*things: tuple[str, str, str | None]) -> Result:
    return evaluate_anomalies([spike(*thing) for thing in things])


SPIKES, USUAL = dg.AssetKey(["marts", "spend_anomalies"]), "spend_has_no_anomaly"


def test_a_spike_is_told_once_of_the_finest_it_can_be_seen_in(watched: Watched, web: Hook) -> None:
    found = spikes(
        ("api_key", "etl", "anthropic"),
        ("model", "opus", "anthropic"),
        ("provider", "anthropic", "anthropic"),
        ("provider", "cursor", "cursor"),
        ("team", "Data", None),
    )
    watched.judge({DAY: found, NEXT: spikes(("team", "Data", None))}, SPIKES, USUAL)
    watched.tick(EVENTS)
    assert web.subjects == [
        f"[ai_usage] WARNING {USUAL}: spike of key etl, {DAY}",
        f"[ai_usage] WARNING {USUAL}: spike of cursor, {DAY}",
        f"[ai_usage] WARNING {USUAL}: spike of team Data, {NEXT}",
    ]
    assert "$9.00, $8.00 above the baseline of $1.00" in web.got[0].body["items"][0]["text"]


def test_what_was_unusual_weeks_ago_is_history(watched: Watched, web: Hook) -> None:
    old = settings().now().date() - event_news.EVENTS_OF
    watched.judge(
        {old - timedelta(days=1): spikes(("team", "A", None)), old: spikes(("team", "B", None))}, SPIKES, USUAL
    )
    watched.tick(EVENTS)
    assert web.subjects == [f"[ai_usage] WARNING {USUAL}: spike of team B, {old}"]


def test_of_a_thousand_events_of_a_run_none_is_lost(watched: Watched, web: Hook) -> None:
    """Dagster's metadata has 20 of their rows."""
    keys = [f"key-{n:04}" for n in range(1000)]
    watched.judge({DAY: spikes(*(("api_key", key, "anthropic") for key in keys)), NEXT: RED}, SPIKES, USUAL)
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
    watched.judge({DAY: spikes(*(("api_key", key, "anthropic") for key in [*keys, "key-new"]))}, SPIKES, USUAL)
    assert "1 news" in watched.tick(EVENTS)


def test_many_events_of_several_checks_have_an_item_each(watched: Watched, web: Hook) -> None:
    watched.judge({DAY: spikes(*(("api_key", f"k{n}", "anthropic") for n in range(40)))}, SPIKES, USUAL)
    watched.judge({None: budgets("0.5", "1")}, BUDGETS, "budget_is_not_crossed")
    watched.tick(EVENTS)
    items = [(item["severity"], item["title"], item["count"]) for item in web.got[0].body["items"]]
    assert items == [
        ("failed", "budget_is_not_crossed: November 2026 total budget, 100%", 1),
        ("warning", USUAL, 40),
        ("warning", "budget_is_not_crossed: November 2026 total budget, 50%", 1),
    ]


def test_events_that_an_earlier_release_sent_are_not_sent_again(watched: Watched, web: Hook) -> None:
    """It read them from the results' metadata, under the same keys."""
    sent = [News(key=key, severity=Severity.WARNING, title="x", topic="x") for key in ("budget/0.5", "team/A")]
    with watched.alerts.outbox.transaction() as memory:
        memory.put([], sent, [], watched.alerts.now())
    watched.judge({DAY: spikes(("team", "A", None), ("team", "B", None))}, SPIKES, USUAL)
    watched.judge({None: budgets("0.5")}, BUDGETS, "budget_is_not_crossed")
    assert "1 news" in watched.tick(EVENTS)
    assert web.subjects == [f"[ai_usage] WARNING {USUAL}: spike of team B, {DAY}"]


def test_a_copy_without_events_has_none_to_report(watched: Watched) -> None:
    """No copy yet; one of an earlier release; one that cannot be read, which another sensor reports."""
    assert watched.tick(EVENTS) == "no news"
    before = DuckDBWarehouse(watched.warehouse.path, watched.warehouse.published_path, [PULLS, BUILDS], settings().now)
    before.publish_anew()
    assert watched.tick(EVENTS) == "no news"
    watched.warehouse.published_path.chmod(0o600)
    watched.warehouse.published_path.write_bytes(b"torn")
    assert watched.tick(EVENTS) == "no news"


def test_who_an_event_is_about_is_told_and_kept_by_a_pseudonym(watched: Watched, web: Hook) -> None:
    watched.alerts = replace(watched.alerts, outbox=replace(watched.alerts.outbox, redaction=Redaction(salt=SALT)))
    watched.judge({DAY: spikes(("person", "ada@example.com", "cursor"))}, SPIKES, USUAL)
    watched.tick(EVENTS)
    watched.tick(EVENTS)
    assert web.asked == 1
    assert "person-" in web.subjects[0]
    kept = watched.alerts.outbox.path.read_bytes() + repr(web.got).encode()
    assert b"ada@example.com" not in kept


def test_of_runs_that_try_the_same_the_first_failure_is_told_and_the_success(watched: Watched, web: Hook) -> None:
    for why in ("503", "503", "timeout", "", ""):
        run(watched, why, {CHAIN: "pull_cursor"})
        watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]
    run(watched, "503", {CHAIN: "pull_cursor"})
    run(watched, "503", {CHAIN: "pull_claude"})
    watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects[2:]] == ["FAILED", "FAILED"]


def test_no_file_is_named_after_whom_it_alerts(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite")
    for one in ("email to ada/o@example.com", "email to bo@example.com"):
        with outbox.delivering(one) as is_alone, outbox.delivering(one) as again:
            assert (is_alone, again) == (True, False)
    names = {path.name for path in tmp_path.iterdir()}
    assert len(names) == 2
    assert not any("@" in name or "example" in name for name in names)


# Dead channels.


def mail(port: int, to: str = "finance@example.com", **more: Any) -> Mail:
    return Mail(MailServer("127.0.0.1", port, is_tls=False, user="", password=""), to, **more)


@pytest.mark.parametrize("trouble", ["refused", "500", "silence", "redirect", "gone"])
def test_a_dead_webhook_is_tried_at_the_next_tick_and_keeps_nobody_waiting(
    watched: Watched, web: Hook, mails: Post, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS", 0.5)
    slack = Slack(f"http://127.0.0.1:{dead_port()}/T/B/x" if trouble == "refused" else web.url)
    answers: dict[str, list[int | float]] = {
        "500": [500, 500], "silence": [1.0, 1.0], "redirect": [302], "gone": [410],
    }  # fmt: skip
    web.answers = answers.get(trouble, [])
    watched.alerts = replace(watched.alerts, channels=[slack, mail(mails.port)])
    watched.judge({DAY: RED})
    said = watched.tick()
    assert "1 delivered" in said
    assert "slack is waiting: Slack" in said
    monkeypatch.setattr("ai_usage.alerts.channels.SECONDS", 5)
    assert (len(mails.got), len(web.got)) == (1, 0)
    watched.alerts = replace(watched.alerts, channels=[Slack(web.url), mail(mails.port)])
    watched.tick()
    watched.tick()
    assert (len(mails.got), len(web.got)) == (1, 1)


def test_a_passing_trouble_is_over_within_the_tick(watched: Watched, web: Hook) -> None:
    web.answers = [503]
    watched.judge({DAY: RED})
    assert watched.tick() == "1 news; 1 delivered"
    assert web.asked == 2


def test_a_rate_limit_is_not_hammered(watched: Watched, web: Hook) -> None:
    web.answers = [429]
    watched.judge({DAY: RED, NEXT: RED})
    watched.tick()
    assert web.asked == 1
    watched.tick()
    assert len(web.got) == 2


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        ("CONNECT", ["421 busy", "421 busy"]),
        ("MAIL", ["451 later", "451 later"]),
        ("RCPT", ["450 greylisted", "450 greylisted"]),
        ("RCPT", ["550 unknown"]),
        ("END", ["421 no", "421 no"]),
        ("EHLO", ["silence 1", "silence 1"]),
    ],
)
def test_a_dead_mail_server_is_tried_at_the_next_tick_and_keeps_nobody_waiting(
    watched: Watched, web: Hook, mails: Post, command: str, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS", 0.5)
    mails.answers[command] = answers
    watched.alerts = replace(watched.alerts, channels=[mail(mails.port), Webhook(web.url)])
    watched.judge({DAY: RED})
    assert "is waiting: The mail server" in watched.tick()
    assert (len(web.got), mails.got) == (1, [])
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS", 5)
    watched.tick()
    watched.tick()
    assert (len(web.got), len(mails.got)) == (1, 1)


def test_a_wrong_address_keeps_the_others_from_nothing(watched: Watched, mails: Post) -> None:
    mails.answers["RCPT"] = ["550 who?"]
    channels = [mail(mails.port, "gone@example.com")]
    watched.alerts = replace(watched.alerts, channels=channels)
    watched.judge({DAY: RED})
    watched.tick()
    watched.alerts = replace(watched.alerts, channels=[*channels, mail(mails.port, "b@example.com")])
    watched.judge({DAY: PASSED})
    watched.tick()
    assert mails.to == ["b@example.com", "gone@example.com", "gone@example.com"]


def test_a_message_is_given_up_after_a_week_and_the_next_ones_go_on(watched: Watched, web: Hook) -> None:
    web.answers = [400, 400]
    watched.judge({DAY: RED})
    watched.tick()
    later = watched.alerts.now() + timedelta(days=8)
    watched.alerts = replace(watched.alerts, now=lambda: later)
    watched.tick()
    assert watched.tick() == "no news"
    watched.judge({DAY: PASSED})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["RESOLVED"]


def test_what_one_receiver_never_takes_does_not_stop_what_comes_after(watched: Watched, web: Hook) -> None:
    web.answers = [400, 200, 400]
    watched.judge({DAY: RED})
    watched.tick()
    watched.judge({NEXT: YELLOW})
    watched.tick()
    assert [subject.split()[1] for subject in web.subjects] == ["WARNING"]


@pytest.mark.parametrize("goodbye", ["421 timeout", "silence 1", "rubbish"])
def test_an_odd_goodbye_after_the_mail_was_taken_sends_no_second_one(
    watched: Watched, mails: Post, goodbye: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.alerts.mail.SECONDS", 0.5)
    mails.answers["QUIT"] = [goodbye]
    watched.alerts = replace(watched.alerts, channels=[mail(mails.port)])
    watched.judge({DAY: RED})
    watched.tick()
    watched.tick()
    assert len(mails.got) == 1


# Runs.


def refresh_range(why: str = "") -> dg.JobDefinition:
    @dg.job(name="refresh_range", executor_def=dg.in_process_executor)
    def made() -> None:
        @dg.op(name="raw__claude_cost_report")
        def step() -> None:
            if why:
                raise dg.Failure(why)

        step()

    return made


def run(watched: Watched, why: str = "", tags: Mapping[str, str] | None = None) -> str:
    """A run from the command line; `why` it fails, if it does."""
    return refresh_range(why).execute_in_process(
        instance=watched.instance, raise_on_error=False, run_config=QUIET, tags=dict(tags or {})
    ).run_id  # fmt: skip


def again(watched: Watched, run_id: str, *, fails: bool) -> None:
    """What the UI's re-execution leaves in the log."""
    made = watched.instance.create_run_for_job(
        refresh_range(), status=dg.DagsterRunStatus.STARTED, parent_run_id=run_id, root_run_id=run_id
    )
    tried = watched.instance.get_run_by_id(run_id)
    if tried and "dagster/will_retry" in tried.tags:
        watched.instance.add_run_tags(run_id, {"dagster/auto_retry_run_id": made.run_id})
    if fails:
        watched.instance.report_run_failed(made, message="again")
    else:
        success = DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "refresh_range")
        watched.instance.report_dagster_event(success, made.run_id)


def test_a_failed_run_from_the_command_line_is_told_once_and_when_it_was_made_good(watched: Watched, web: Hook) -> None:
    run_id = run(watched, "no key", tags=range_tags(Span(DAY, NEXT)))
    run(watched)
    for _ in range(2):
        watched.tick(RUNS)
    [posted] = web.got
    [item] = posted.body["items"]
    assert posted.body["subject"] == "[ai_usage] FAILED run of refresh_range"
    assert item["text"] == f"It was to take {DAY}…{NEXT}. raw/claude_cost_report: no key"
    assert item["link"] == f"http://127.0.0.1:3000/runs/{run_id}"
    assert (item["runbook"], bool(item["likely_cause"])) == ("docs/runbook.md#run_failure", True)
    again(watched, run_id, fails=True)
    watched.tick(RUNS)
    again(watched, run_id, fails=False)
    watched.tick(RUNS)
    watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "FAILED", "RESOLVED"]


def test_a_run_that_is_tried_again_is_told_when_it_is_not(watched: Watched, web: Hook) -> None:
    run_id = run(watched, "busy", tags={"dagster/will_retry": "true"})
    watched.tick(RUNS)
    assert web.got == []
    again(watched, run_id, fails=True)
    watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED"]


def test_a_retry_that_succeeds_leaves_nothing_to_tell(watched: Watched, web: Hook) -> None:
    run_id = run(watched, "busy", tags={"dagster/will_retry": "true"})
    watched.tick(RUNS)
    again(watched, run_id, fails=False)
    watched.tick(RUNS)
    assert web.got == []


def test_a_run_that_dagster_said_it_tries_again_and_did_not_is_told(watched: Watched, web: Hook) -> None:
    """It says so, and then finds no step to try: the process died after the last one."""
    run_id = run(watched, "busy", tags={"dagster/will_retry": "true"})
    assert watched.tick(RUNS) == "no news"
    watched.instance.add_run_tags(run_id, {"dagster/will_retry": "false"})
    assert watched.tick(RUNS) == "1 news; 1 delivered"


def test_a_run_that_died_is_told_though_another_made_it_good_before_anybody_looked(watched: Watched, web: Hook) -> None:
    tags = {CHAIN: "x", "dagster/will_retry": "true", "dagster/auto_retry_run_id": "y"}
    made = watched.instance.create_run_for_job(refresh_range(), tags=tags, status=dg.DagsterRunStatus.STARTED)
    watched.instance.report_run_failed(made, message=f"{DIED}: it was killed.")
    then = watched.instance.create_run_for_job(refresh_range(), tags={CHAIN: "x"}, status=dg.DagsterRunStatus.STARTED)
    success = DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "refresh_range")
    watched.instance.report_dagster_event(success, then.run_id)
    watched.tick(RUNS)
    assert [item["severity"] for post in web.got for item in post.body["items"]] == ["failed", "resolved"]


def test_a_success_of_the_whole_makes_a_part_good_and_one_of_another_part_does_not(watched: Watched, web: Hook) -> None:
    def ended(chain: str, event: dg.DagsterEventType) -> None:
        job, tags = refresh_range(), {CHAIN: chain}
        made = watched.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
        watched.instance.report_dagster_event(DagsterEvent(event.value, job.name), made.run_id)
        watched.tick(RUNS)

    ended("pull_sheet/seats", dg.DagsterEventType.RUN_FAILURE)
    ended("pull_sheet/budgets", dg.DagsterEventType.RUN_SUCCESS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED"]
    ended("pull_sheet", dg.DagsterEventType.RUN_SUCCESS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]


def test_a_failure_of_which_dagster_has_not_decided_yet_waits_a_moment(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(watched, "busy")
    monkeypatch.setattr(type(watched.instance), "run_retries_enabled", property(lambda _: True))
    assert watched.tick(RUNS) == "no news"
    monkeypatch.setattr(run_news, "SECONDS_UNTIL_DECIDED", 0)
    assert watched.tick(RUNS) == "1 news; 1 delivered"


def test_history_is_no_news(watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    run(watched, "busy")
    monkeypatch.setattr(run_news, "OLD", -1)
    watched.tick(RUNS)
    monkeypatch.undo()
    watched.tick(RUNS)
    assert web.got == []
