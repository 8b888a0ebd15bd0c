"""Mistakes planted at their real source: each is alerted within one tick, by name."""

from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import copyfile

import dagster as dg
import pytest

from ai_usage.alerts.channels import Webhook
from ai_usage.alerts.delivery import Alerts, Persistence
from ai_usage.alerts.outbox import Outbox
from ai_usage.automation import alerts as automation
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage_tests.alerts.receivers import Hook, hook
from ai_usage_tests.mock_claude import KEY, USER, Bend, ordinary
from ai_usage_tests.platform import OTHERS, WITHOUT_BOARDS, Platform, platform_in

PAST = Span(date(2026, 10, 15), date(2026, 11, 19))  # up to yesterday of the tests' clock
LATELY = Span(date(2026, 11, 12), PAST.last)
# The spike is first: a key that deviates is alerted once a week.
SPIKE, SLIP, LOST, DOUBLED = (date(2026, 11, day) for day in (12, 13, 16, 17))
TYPO = "dve@example.com"
CHECKS, RUNS, *_ = automation.SENSORS
OF_ONE_PROVIDER = WITHOUT_BOARDS - dg.AssetSelection.assets(*OTHERS)


def rows(*cells: str) -> str:
    return "".join(f"{line}\n" for line in cells)


def a_hundred_times(name: str) -> Bend:
    return lambda records: [{**record, name: f"{100 * float(record[name]):f}"} for record in records]


class Listener:
    """A receiver, and the messages of the sensors' last tick."""

    def __init__(self, platform: Platform, web: Hook, home: Path) -> None:
        self.platform, self.web = platform, web
        outbox = Outbox(home / "alerts.sqlite")
        self.alerts = Alerts(outbox, [Webhook(web.url)], settings().now, is_simulated=False, persistence=Persistence())

    def tick(self) -> dict[tuple[str, str], str]:
        """(title, day) → the text of the alert, after one tick of each sensor."""
        before = len(self.web.got)
        of = replace(settings(), data_dir=self.alerts.outbox.path.parent)
        copyfile(self.platform.warehouse.published_path, of.published_database)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(automation, "settings", lambda: of)
            for sensor in automation.SENSORS:
                resources = {"alerts": self.alerts}
                with dg.build_sensor_context(instance=self.platform.instance, resources=resources) as context:
                    sensor.evaluate_tick(context)
        items = [item for message in self.web.got[before:] for item in message.body["items"]]
        return {(item["title"], str(day)): item["text"] for item in items for day in item["days"] or [""]}


def refresh(platform: Platform, sheet: Path, span: Span) -> bool:
    """The work of the job refresh_range for the configured provider."""
    with closing(platform.claude.admin()) as admin:
        outcome = platform.materialize(OF_ONE_PROVIDER, span, admin, sheet=CsvFolder(sheet))
    platform.warehouse.publish()
    return bool(outcome.result.success)


@pytest.fixture(scope="module")
def web() -> object:
    with hook() as found:
        yield found


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory, web: Hook) -> dict[tuple[str, str], str]:
    """The alerts of one tick after a bad week. The fifty days before were alerted earlier."""
    home = tmp_path_factory.mktemp("planted")
    platform = platform_in(home)
    sheet = home / "sheet"
    sheet.mkdir()
    mapping = sheet / "api_key_mapping.csv"
    owner = f"{KEY['id']},etl,{USER['email']},Data,"
    mapping.write_text(rows("api_key_id,api_key_name,user_email,team_name,description", owner), encoding="utf-8")
    stand_in = platform.claude
    stand_in.days = {day: ordinary(10 if day.isoweekday() < 6 else 1) for day in PAST.days}
    listener = Listener(platform, web, home)
    assert refresh(platform, sheet, PAST)
    listener.tick()
    assert listener.tick() == {}

    stand_in.lines[SLIP] = stand_in.totals[SLIP] = a_hundred_times("amount")
    stand_in.lines[LOST] = stand_in.totals[LOST] = lambda _: []
    stand_in.lines[DOUBLED] = lambda records: records * 2
    stand_in.days[SPIKE] = ordinary(100)
    mapping.write_text(mapping.read_text(encoding="utf-8").replace(USER["email"], TYPO), encoding="utf-8")
    refresh(platform, sheet, LATELY)
    found = listener.tick()
    stand_in.refuses["/"] = 401
    assert not refresh(platform, sheet, Span(PAST.last, PAST.last))
    return found | listener.tick()


def text_of(alerts: dict[tuple[str, str], str], what: str, day: date | None) -> str:
    found = [text for (title, of), text in alerts.items() if title.startswith(what) and of == str(day or "")]
    assert found, f"{what} of {day} is not among {sorted(alerts)}"
    return found[0]


@pytest.mark.parametrize(
    ("what", "day", "part"),
    [
        ("unit_price_is_a_list_price of core/claude_costs", SLIP, "at 2,500.00 USD a million"),
        ("usage_without_cost_is_explained of core/claude_usage_tokens", LOST, "tokens and no cost on this day"),
        ("cost_lines_are_unique of core/claude_costs", DOUBLED, "3 cost lines appear twice"),
        ("emails_are_known_people of core/dim_person", None, TYPO),
        ("spend_has_no_anomaly: spike of key etl", SPIKE, "above the baseline"),
        ("run of some assets", PAST.last, "ANTHROPIC_ADMIN_API_KEY"),
    ],
    ids=["an error by a hundred", "a lost day", "a doubled page", "a sheet's typo", "a spike", "a dead key"],
)
def test_each_mistake_is_alerted_within_one_tick_by_its_name(
    alerts: dict[tuple[str, str], str], what: str, day: date | None, part: str
) -> None:
    assert part in text_of(alerts, what, day)


def test_other_days_send_no_alert(alerts: dict[tuple[str, str], str]) -> None:
    days = {of for _, of in alerts if of}
    planted = {SLIP, LOST, DOUBLED, SPIKE, PAST.last}
    assert days <= {str(day) for day in planted}, sorted(alerts)
