"""Weeks at the built-in OpenAI, from the API to attributed costs: the cost of each project, key, person and line item
is the true one, both with costs by key and if the organization refuses that grouping.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.partitions import Span
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.provider import OPENAI
from ai_usage.simulator import OPENAI_KEY, Simulator
from ai_usage.simulator.openai_uses import Line
from ai_usage_tests.platform import Platform, of_others_than, platform_in, whatever_makes

WEEKS = Span(date(2026, 10, 1), date(2026, 11, 19))
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NANO = Decimal("1e-9")
COSTS = "ai_usage_analytics.openai_attributed_costs"
MADE = whatever_makes("marts/openai_attributed_costs", "core/openai_daily_cost") - of_others_than("openai")

Money = dict[str | None, Decimal]


@dataclass(frozen=True)
class Weeks:
    platform: Platform
    truth: Simulator

    def built(self, column: str, *, only: str = "true") -> Money:
        """The marts' sums by a column."""
        return dict(self.platform.sql(f"select {column}, sum(amount_usd) from {COSTS} where {only} group by all"))

    def lines(self) -> list[Line]:
        """Each true cost line with an amount."""
        days = [self.truth.openai_day(day) for day in WEEKS.days]
        return [line for day in days for line in day.lines if line.usd is not None]

    def true(self, of: Callable[[Line], str | None]) -> Money:
        """The true sums, grouped by the result of `of` for each line."""
        sums: Money = {}
        for line in self.lines():
            sums[of(line)] = sums.get(of(line), Decimal()) + (line.usd or Decimal())
        return sums

    def owner(self, line: Line) -> str | None:
        """The person who owns the line's key, as long as a list has the key."""
        company = self.truth.openai_company
        key = next((key for key in company.keys if key.id == line.api_key_id), None)
        return company.email(key.user_id) if key and key.user_id and key.exists(NOW) else None


def lived(folder: Path, *refused: str) -> Weeks:
    """The weeks pulled and built: only the bill, and the lists that people and keys are known from."""
    platform = platform_in(folder)
    with Simulator(now=NOW, openai_refuses=refused) as simulator:
        client = OpenAIAdmin.open(base_url=simulator.openai_url, key=OPENAI_KEY, now=lambda: NOW, is_simulated=True)
        with closing(client):
            outcome = platform.materialize(MADE, WEEKS, None, openai_admin=client)
        assert outcome.result.success
        paths = Counter(asked.path.rsplit("/openai/v1/organization/")[-1] for asked in simulator.requests)
        assert paths["costs"] == 2 + len(refused)  # 50 days fit into one request
    return Weeks(platform, simulator)


@pytest.fixture(scope="module")
def by_key(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    return lived(tmp_path_factory.mktemp("by_key"))


@pytest.fixture(scope="module")
def by_project(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    return lived(tmp_path_factory.mktemp("by_project"), "api_key_id")


@pytest.mark.parametrize("column", ["project_id", "api_key_id", "line_item"])
def test_the_money_of_each_project_key_and_line_item_is_the_truth(by_key: Weeks, column: str) -> None:
    true = by_key.true(lambda line: getattr(line, column))
    assert len(true) > 5
    assert by_key.built(column, only="allocation_method != 'allocated'") == true


def test_the_money_of_each_person_is_that_of_the_keys_they_have(by_key: Weeks) -> None:
    true = by_key.true(by_key.owner)
    assert len(true) > 5
    assert by_key.built("user_email") == true


def test_where_costs_are_not_grouped_by_key_all_money_is_there_and_says_how_it_was_allocated(
    by_key: Weeks, by_project: Weeks
) -> None:
    for column in ("project_id", "line_item", "activity_date"):
        assert by_project.built(column) == by_key.built(column)
    assert by_project.built("allocation_method").keys() == {"allocated", "unallocated"}
    grouped = "select distinct grouped_by from ai_usage_analytics.openai_costs"
    assert by_project.platform.sql(grouped) == [("project_id,line_item",)]


def test_what_is_allocated_to_a_key_is_its_truth_within_a_nano_dollar_a_line(by_project: Weeks) -> None:
    """Except in the project with use of the dashboard: its lines do not separate that use from the use of keys."""
    by_hand = by_project.truth.openai_company.projects[0].id
    true = by_project.true(lambda line: line.api_key_id if line.project_id != by_hand else None)
    lines = Counter(line.api_key_id for line in by_project.lines())
    built = by_project.built("api_key_id", only=f"project_id != '{by_hand}'")
    assert len(true) > 5
    for key in true.keys() - {None}:
        assert abs(built[key] - true[key]) <= lines[key] * NANO, key


def test_the_providers_own_checks_pass_but_for_the_coarser_grouping(by_project: Weeks) -> None:
    names = {check.name for check in OPENAI.checks} - {"codex_is_not_billed_twice", "every_cost_has_a_list_price"}
    for name in sorted(names):
        outcome = by_project.platform.check(name, WEEKS)
        wrong = outcome.checks_not_passed()
        assert wrong == ({name} if name == "openai_costs_are_grouped_by_key" else set()), name
