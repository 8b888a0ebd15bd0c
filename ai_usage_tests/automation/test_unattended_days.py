"""Ten unattended days: Dagster's daemon, the simulated providers over HTTP, and real receivers of alerts.

When no work is left, the clock advances to another morning; on some mornings the machine is asleep. In that time Claude
is down for two days and restates a day, half of a budget is used, and the daemon is killed while messages wait.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import dagster as dg
import duckdb
import pytest

from ai_usage.automation.dead_runs import UNDER_WAY
from ai_usage.money import usd
from ai_usage.partitions import Span
from ai_usage.places import ROOT
from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, CURSOR_KEY, Simulator
from ai_usage_tests.alerts.receivers import Hook, Post, hook, post

DAYS = Span(date(2026, 11, 8), date(2026, 11, 17))
RESTATED = date(2026, 11, 10)  # by the simulated provider, five days after it ended
MORNINGS = [date(2026, 11, number) for number in (9, 10, 11, 13, 17, 18)]  # on others the machine is asleep
DOWN, UP = MORNINGS[1:3], MORNINGS[3]  # Claude; on the 17th its first day had not been pulled for a week
HALF_SPENT_ON = date(2026, 11, 17)
KILLED = MORNINGS[-1]  # when this must be alerted
SENSORS = 16
PATIENCE = 600.0  # seconds for a day, on a machine that is busy with other tests

HURRIED = """
run_launcher:
  module: dagster._core.launcher.sync_in_memory_run_launcher
  class: SyncInMemoryRunLauncher
run_coordinator:
  module: dagster._core.run_coordinator.queued_run_coordinator
  class: QueuedRunCoordinator
  config:
    dequeue_interval_seconds: 1
"""
TABS = {
    "api_key_mapping": "api_key_id,api_key_name,user_email,team_name,description",
    "claude_ai_usage": "user_email,activity_date,conversation_count,message_count,project_count,file_upload_count",
    "console_figures": "provider,period_start,period_end,workspace_id,amount_usd,source,note",
    "budgets": "month,scope,scope_name,amount_usd",
    "seats": "provider,plan,seat_price_usd,seats,valid_from,valid_to",
}


def morning(day: date) -> datetime:
    """The instant at which everything of the day before is complete and due."""
    return datetime(day.year, day.month, day.day, 13, tzinfo=UTC)


@dataclass
class Machine:
    """A machine with the platform, two simulated providers and two receivers."""

    home: Path
    simulator: Simulator
    web: Hook
    mails: Post
    daemon: subprocess.Popen[bytes] | None = None
    asked_by_day: dict[date, list[str]] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)  # variables

    @property
    def clock(self) -> Path:
        return self.home / "clock"

    def start(self) -> None:
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "TMPDIR": str(self.home),
            "TEST_CLOCK": str(self.clock),
            "DAGSTER_HOME": str(self.home / "dagster"),
            "AI_USAGE_DATA_DIR": str(self.home),
            "AI_USAGE_START_DATE": str(DAYS.first),
            "AI_USAGE_NOW": (morning(DAYS.last) + timedelta(days=1)).isoformat(),  # the end of the partitions
            "AI_USAGE_SHEET_ID": f"csv:{self.home / 'sheet'}",
            "ANTHROPIC_ADMIN_API_KEY": ADMIN_KEY,
            "ANTHROPIC_ANALYTICS_API_KEY": ANALYTICS_KEY,
            "ANTHROPIC_ADMIN_BASE_URL": self.simulator.anthropic_url,
            "CURSOR_ADMIN_API_KEY": CURSOR_KEY,
            "CURSOR_ADMIN_BASE_URL": self.simulator.cursor_url,
            "ALERT_WEBHOOK_URL": self.web.url,
            "ALERT_SMTP_URL": f"smtp://127.0.0.1:{self.mails.port}",
            "ALERT_EMAIL_TO": "finance@example.com",
            **self.more,
        }
        command = [sys.executable, str(Path(__file__).with_name("hurried.py"))]
        with (self.home / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                command, cwd=self.home, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def kill(self) -> None:
        if self.daemon:
            with suppress(ProcessLookupError):
                os.killpg(self.daemon.pid, signal.SIGKILL)
            self.daemon.wait(20)

    def set_day(self, day: date) -> float:
        return self.set_clock(morning(day))

    def set_clock(self, instant: datetime) -> float:
        fresh = self.home / "clock.tmp"
        fresh.write_text(instant.isoformat(), encoding="utf-8")
        fresh.replace(self.clock)
        return time()

    def until(self, what: str, is_true: Any, every: float = 2.0) -> None:
        give_up = monotonic() + PATIENCE
        while not is_true():
            log = (self.home / "daemon.log").read_text(encoding="utf-8", errors="replace")[-3000:]
            assert self.daemon is not None
            assert self.daemon.poll() is None, f"the daemon ended: {log}"
            assert monotonic() < give_up, f"not {what}: {log}"
            sleep(every)

    def is_quiet(self, instance: dg.DagsterInstance, since: float) -> bool:
        """No run is in progress, and every sensor has ticked since the last one and found nothing to do."""
        if instance.get_runs_count(dg.RunsFilter(statuses=UNDER_WAY)):
            return False
        ended = [record.end_time or 0 for record in instance.get_run_records(limit=5)]
        since = max(since, *ended) if ended else since
        sensors = [state for state in instance.all_instigator_state() if state.instigator_type.value == "SENSOR"]
        ticks = (  # read until one of them is not quiet
            next((tick for tick in of if tick.status.value != "STARTED"), None)  # a dead webhook always has one
            for of in (instance.get_ticks(s.instigator_origin_id, s.selector_id, limit=2) for s in sensors)
        )
        return len(sensors) == SENSORS and all(t and t.timestamp > since and t.status.value == "SKIPPED" for t in ticks)

    def live(self, instance: dg.DagsterInstance, day: date) -> None:
        before = len(self.web.got)
        since = self.set_day(day)
        self.until(f"quiet on {day}", lambda: self.is_quiet(instance, since))
        self.asked_by_day[day] = self.web.subjects[before:]

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.home / "ai_usage_published.duckdb"), read_only=True) as db:
            return db.execute(text).fetchall()

    def news(self, what: str) -> list[str]:
        """Every item with this title that the webhook received, in any message."""
        items = [item for message in self.web.got for item in message.body["items"]]
        return [f"{item['severity']} {item['title']} {item['text']}" for item in items if what in item["title"]]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine after the last day."""
    home = tmp_path_factory.mktemp("unattended")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
        yield from _lived(home)


def _lived(home: Path) -> Iterator[Machine]:
    for folder in ("dagster", "sheet"):
        (home / folder).mkdir()
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster" / "dagster.yaml")
    with (home / "dagster" / "dagster.yaml").open("a", encoding="utf-8") as file:
        file.write(HURRIED)
    now = lambda: datetime.fromisoformat((home / "clock").read_text(encoding="utf-8"))  # noqa: E731
    with Simulator(now=now, cursor_scale=0.3) as simulator, hook() as web, post() as mails:
        machine = Machine(home, simulator, web, mails)
        budget = 2 * spent(machine, Span(DAYS.first, HALF_SPENT_ON - timedelta(days=1))) + 200
        for tab, header in TABS.items():
            rows = f"2026-11,total,,{budget:.0f}\n" if tab == "budgets" else ""
            (home / "sheet" / f"{tab}.csv").write_text(f"{header}\n{rows}", encoding="utf-8")
        machine.set_day(DAYS.first + timedelta(days=1))
        try:
            with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
                _live(machine, instance)
                yield machine
        finally:
            machine.kill()


def _live(machine: Machine, instance: dg.DagsterInstance) -> None:
    machine.start()
    for day in MORNINGS:
        if day == DOWN[0]:
            machine.simulator.faults.plan("status", status=503, path="/anthropic", times=None)
        if day == UP:
            machine.simulator.faults.clear()
        if day == KILLED:
            machine.web.answers = [503] * 1000
        machine.live(instance, day)
        if day == KILLED:
            machine.kill()
            machine.web.answers = []
            machine.start()
            machine.live(instance, day)


def spent(machine: Machine, days: Span) -> float:
    """The final cost of the days at the providers."""
    machine.set_day(days.last + timedelta(days=4))
    claude = sum(machine.simulator.day(day).total_cents for day in days.days)
    cursor = sum(sum(e.charged_cents for e in machine.simulator.cursor_day(day).events) for day in days.days)
    return float(claude + cursor) / 100


def test_every_day_is_complete_from_the_providers_to_the_marts(lived: Machine) -> None:
    for pull in ("claude_cost_report", "claude_cost_totals", "claude_messages_usage", "claude_code_usage",
                 "claude_enterprise_users", "cursor_usage_events", "cursor_daily_usage"):  # fmt: skip
        days = lived.sql(f"select distinct activity_date from ai_usage_raw.pulls where pull = '{pull}' order by 1")
        assert [day for (day,) in days] == DAYS.days, pull
    built = dict(lived.sql("select expense_date, cost_usd from ai_usage_analytics.claude_total_expenses"))
    lived.set_day(DAYS.last + timedelta(days=1))
    assert built == {day: usd(cents=lived.simulator.day(day).total_cents) for day in DAYS.days}
    seen = "select count(distinct spend_date) from ai_usage_analytics.ai_spend where provider = "
    assert lived.sql(f"{seen} 'anthropic'") == lived.sql(f"{seen} 'cursor'") == [(len(DAYS.days),)]


def test_the_restatement_is_alerted_once(lived: Machine) -> None:
    [(change,)] = lived.sql(
        f"select change_usd from ai_usage_analytics.spend_revisions where activity_date = '{RESTATED}' "
        f"and cast(revised_at as date) > '{RESTATED + timedelta(days=5)}'"
    )
    [alert] = lived.news("reported_spend_stands")
    assert alert.startswith(f"warning reported_spend_stands: anthropic, {RESTATED}")
    assert f"{change:+,.2f} USD" in alert


def test_the_outage_is_alerted_at_its_begin_and_end_and_its_days_are_pulled_afterwards(lived: Machine) -> None:
    alerts = lived.news("run of pull_claude")
    claude = [one for one in alerts if "pull_claude_" not in one]
    assert [one.split()[0] for one in claude] == ["failed", "resolved"]
    assert "answered 503" in claude[0]
    tried = {str(r.query.get("starting_at")) for r in lived.simulator.requests if r.status == 503}
    assert len(tried) >= len(DOWN)
    resolved = [day for day, subjects in lived.asked_by_day.items() if any("RESOLVED run of" in s for s in subjects)]
    assert resolved == [UP]


def test_the_budget_is_alerted_once_when_half_of_it_is_used(lived: Machine) -> None:
    [alert] = lived.news("budget_is_not_crossed")
    assert alert.startswith("warning budget_is_not_crossed: November 2026 total budget, 50%")
    [(crossed,)] = lived.sql("select crossed_50_on from ai_usage_analytics.budget_status")
    assert f"Passed 50% on {crossed}." in alert
    assert crossed == HALF_SPENT_ON


def test_every_message_reaches_both_receivers_once_although_the_daemon_was_killed(lived: Machine) -> None:
    subjects = lived.web.subjects
    assert Counter(subjects) == Counter(" ".join(mail["subject"].split()) for _, mail in lived.mails.got)
    keys = Counter(post.headers["idempotency-key"] for post in lived.web.got)
    assert set(keys.values()) == {1}
    assert lived.asked_by_day[KILLED], "what waited when the daemon was killed came after"


def test_the_daemon_had_no_failures_of_its_own(lived: Machine) -> None:
    with dg.DagsterInstance.from_config(str(lived.home / "dagster")) as instance:
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert {run.job_name for run in failed} <= {"pull_claude", "pull_claude_analytics", "pull_claude_enterprise"}
        for state in instance.all_instigator_state():
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, statuses=None)
            errors = [tick.error for tick in ticks if tick.error]
            assert errors == [], state.instigator_name
