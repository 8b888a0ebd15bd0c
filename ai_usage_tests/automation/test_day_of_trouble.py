"""An unattended day, hour by hour, with each failure once: a provider that answers a byte at a time, one that answers
with a proxy's login page, a full disk, a torn published copy, a killed run, and a webhook that is down all day beside a
mail server that works.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.automation.dead_runs import UNDER_WAY, Process
from ai_usage.automation.refresh import BUILD
from ai_usage.places import ROOT
from ai_usage.simulator import SHEET_ID, Simulator
from ai_usage_tests.alerts.receivers import hook, post
from ai_usage_tests.automation.test_unattended_days import HURRIED, Machine

FIRST, NEXT = date(2026, 11, 17), date(2026, 11, 18)  # the days that are pulled
OF_MONEY = (
    *("claude_cost_report", "claude_cost_totals", "claude_messages_usage"),
    *("cursor_usage_events", "cursor_daily_usage"),
)
OWNERS = "select user_email from ai_usage_analytics.dim_api_key_mapping where api_key_id = '{}' and valid_to is null"


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


class HourlyMachine(Machine):
    """The machine of test_unattended_days, with hourly steps."""

    def hour(self, instance: dg.DagsterInstance, instant: datetime) -> None:
        since = self.set_clock(instant)
        self.until(f"quiet at {instant}", lambda: self.is_quiet(instance, since))

    def edit_the_sheet(self, owner: str) -> None:
        self.simulator.sheet.set("api_key_mapping", 2, "user_email", owner)

    @property
    def edited_key(self) -> str:
        header, row = self.simulator.sheet.tab("api_key_mapping").rows[:2]
        return str(row[header.index("api_key_id")]).strip()

    @property
    def published(self) -> Path:
        return self.home / "ai_usage_published.duckdb"

    @property
    def mailed(self) -> list[str]:
        return [" ".join(mail["subject"].split()) for _, mail in self.mails.got]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HourlyMachine]:
    """The machine at the end of the day."""
    home = tmp_path_factory.mktemp("day_of_trouble")
    (home / "dagster").mkdir()
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster" / "dagster.yaml")
    with (home / "dagster" / "dagster.yaml").open("a", encoding="utf-8") as file:
        file.write(HURRIED)
    now = lambda: datetime.fromisoformat((home / "clock").read_text(encoding="utf-8"))  # noqa: E731
    more = {"AI_USAGE_START_DATE": str(FIRST), "AI_USAGE_ANSWER_SECONDS": "2"}
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        Simulator(now=now, cursor_scale=0.2) as simulator,
        hook() as web,
        post() as mails,
    ):
        monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
        more |= {"AI_USAGE_SHEET_ID": SHEET_ID, "GOOGLE_API_BASE_URL": simulator.google_url}
        machine = HourlyMachine(home, simulator, web, mails, more=more)
        machine.set_clock(at(NEXT, 13))
        web.answers = [503] * 10_000
        try:
            with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
                live_through(machine, instance)
                yield machine
        finally:
            machine.kill()


def live_through(machine: HourlyMachine, instance: dg.DagsterInstance) -> None:
    faults, end = machine.simulator.faults, date(2026, 11, 19)
    machine.start()
    machine.hour(instance, at(NEXT, 13))
    faults.plan("drip", path="/cursor", times=None, delay=0.5)
    machine.hour(instance, at(end, 2))  # Cursor's day is due
    faults.clear()
    faults.plan("login_page", path="/anthropic", times=None)
    machine.hour(instance, at(end, 6))  # Claude's day is due
    faults.clear()
    machine.hour(instance, at(end, 7))
    (machine.home / "full_disk").touch()
    machine.edit_the_sheet("one@example.com")
    machine.hour(instance, at(end, 8))
    (machine.home / "full_disk").unlink()
    machine.edit_the_sheet("two@example.com")
    machine.hour(instance, at(end, 9))
    torn = machine.published.read_bytes()[:100_000]
    machine.published.unlink()
    machine.published.write_bytes(torn)
    machine.hour(instance, at(end, 10))
    machine.edit_the_sheet("three@example.com")
    machine.set_clock(at(end, 11))
    building = dg.RunsFilter(job_name=BUILD, statuses=[dg.DagsterRunStatus.STARTED])
    machine.until("a build under way", lambda: any(map(Process.of, instance.get_runs(building))), every=0.02)
    machine.kill()
    machine.start()
    machine.hour(instance, at(end, 11))
    machine.web.answers = []
    machine.hour(instance, at(end, 13))


def test_every_day_of_both_providers_is_there_and_built(lived: HourlyMachine) -> None:
    for pull in OF_MONEY:
        days = lived.sql(f"select distinct activity_date from ai_usage_raw.pulls where pull = '{pull}' order by 1")
        assert [day for (day,) in days] == [FIRST, NEXT], pull
    spent = lived.sql("select provider, spend_date, count(*) > 0 from ai_usage_analytics.ai_spend group by 1, 2")
    assert sorted(spent) == [(provider, day, True) for provider in ("anthropic", "cursor") for day in (FIRST, NEXT)]


def test_each_failure_is_mailed_once_and_so_is_its_end(lived: HourlyMachine) -> None:
    mailed = Counter(lived.mailed)
    assert {subject: times for subject, times in mailed.items() if times > 1} == {}
    runs = ("pull_cursor", "pull_claude", "pull_claude_analytics", "refresh_sheet", BUILD)
    copy = "[ai_usage] FAILED The published copy of the warehouse cannot be read"  # published again at once
    ends = [f"[ai_usage] {end} run of {job}" for job in runs for end in ("FAILED", "RESOLVED")]
    assert sorted(mailed) == sorted([copy, *ends])


def test_the_webhook_that_was_down_all_day_gets_every_message_in_the_end(lived: HourlyMachine) -> None:
    assert Counter(lived.web.subjects) == Counter(lived.mailed)


def test_each_edit_of_the_sheet_causes_a_run_of_its_tab_and_a_build_of_what_depends_on_it(lived: HourlyMachine) -> None:
    assert lived.sql(OWNERS.format(lived.edited_key)) == [("three@example.com",)]
    with dg.DagsterInstance.from_config(str(lived.home / "dagster")) as instance:
        done = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
    *edits, first = [run for run in done if run.job_name == "refresh_sheet"]
    assert len(edits) >= 2, "the edit while the disk was full is read with the next one or by a retry"
    assert {key.to_user_string() for run in edits for key in run.asset_selection or ()} == {"raw/sheet_api_key_mapping"}
    assert len(first.asset_selection or ()) > 1, "the whole sheet"
    builds = [{key.to_user_string() for key in run.asset_selection or ()} for run in done if run.job_name == BUILD]
    built = next(keys for keys in builds if "core/dim_api_key_mapping" in keys)  # the last one
    assert {"core/dim_person", "core/sheet_rejections"} <= built
    assert "core/budgets" not in built


def test_nothing_is_under_way_and_the_copy_can_be_read(lived: HourlyMachine) -> None:
    with dg.DagsterInstance.from_config(str(lived.home / "dagster")) as instance:
        assert instance.get_runs_count(dg.RunsFilter(statuses=UNDER_WAY)) == 0
        [last] = instance.get_runs(limit=1)
        assert last.status == dg.DagsterRunStatus.SUCCESS
    assert lived.sql("select count(*) > 0 from ai_usage_raw.pulls") == [(True,)]
