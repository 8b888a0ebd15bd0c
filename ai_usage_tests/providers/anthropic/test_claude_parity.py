"""The cost report against analytics: each cause of a difference is planted by hand, and the result names it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ai_usage_tests.marts.by_hand import pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

DAY = date(2026, 11, 10)
ASKED = datetime(2026, 11, 19, 6, tzinfo=UTC)
SETTLED = "2026-11-19T05:00:00Z"
NANO = Decimal("1e-9")
MODEL, KIND = "claude-opus-4-5-20251101", "output_tokens"
CAUSES = (
    "outside_console_usd",
    "priority_tier_usd",
    "restatement_usd",
    "not_settled_usd",
    "rounding_usd",
    "unexplained_usd",
)


@dataclass
class Sides:
    """The lines of both sides, day by day."""

    costs: list[Row] = field(default_factory=list)
    analytics: list[Row] = field(default_factory=list)
    tokens: list[Row] = field(default_factory=list)
    versions: list[Row] = field(default_factory=list)
    pulls: list[Row] = field(default_factory=list)

    def asked(self, day: date = DAY, *, refreshed: str | None = SETTLED, analytics: bool = True) -> None:
        self.pulls.append(pull("claude_cost_report", day, ASKED + timedelta(minutes=1)))
        if analytics:
            envelope = json.dumps({"data_refreshed_at": refreshed} if refreshed else {})
            self.pulls.append(pull("claude_analytics_cost", day, ASKED, envelope=envelope))

    def cost(self, usd: str | Decimal, day: date = DAY, **more: Any) -> None:
        columns = {"workspace_id": "w", "model": MODEL, "token_type": KIND, "cost_type": "tokens", **more}
        self.costs.append({"activity_date": day, "amount_usd": Decimal(usd), **columns})

    def analytics_cost(self, usd: str | Decimal, day: date = DAY, **more: Any) -> None:
        columns = {"workspace_id": "w", "model": MODEL, "token_type": KIND, "cost_type": "tokens", **more}
        columns = {"organization_id": "org-1", "currency": "USD", **columns}
        self.analytics.append({"activity_date": day, "amount_usd": Decimal(usd), **columns})

    def used(self, tokens: int, tier: str, day: date = DAY, workspace: str | None = "w") -> None:
        self.tokens.append(
            {"activity_date": day, "workspace_id": workspace, "model": MODEL, "service_tier": tier, KIND: tokens}
        )

    def version(self, usd: str | Decimal, since: datetime, until: datetime | None, day: date = DAY) -> None:
        known = {"known_from": since, "known_to": until, "provider": "anthropic", "pull_id": str(len(self.versions))}
        self.versions.append({"activity_date": day, "billed_usd": Decimal(usd), **known})

    def compared(self, platform: Platform) -> list[Row]:
        put(platform, "claude_costs", self.costs)
        put(platform, "claude_analytics_costs", self.analytics)
        put(platform, "claude_usage_tokens", self.tokens)
        put(platform, "spend_versions", self.versions)
        put(platform, "pulls", self.pulls)
        rows = platform.warehouse.query(
            "providers/anthropic/claude_parity", first_day=DAY, last_day=DAY + timedelta(days=99)
        )
        return rows.sort("activity_date").to_dicts()


def causes(row: Row) -> dict[str, Decimal]:
    """The causes that are not zero, after a check that they sum to the difference."""
    assert sum(row[cause] for cause in CAUSES) == row["difference_usd"] == row["analytics_usd"] - row["cost_report_usd"]
    return {cause: row[cause] for cause in CAUSES if row[cause]}


def test_equal_sides_have_nothing_to_explain_and_the_null_workspace_is_the_default_one(platform: Platform) -> None:
    sides = Sides()
    sides.asked()
    put(platform, "dim_workspace", [{"workspace_id": "w", "is_default": True}])
    sides.cost("7.5", workspace_id=None)
    sides.analytics_cost("7")
    sides.analytics_cost("0.5", product="claude_code")
    sides.used(1000, "priority", workspace=None)
    [row] = sides.compared(platform)
    assert causes(row) == {}
    assert row["cost_report_usd"] == Decimal("7.5")


def test_a_day_whose_analytics_were_never_pulled_is_not_compared(platform: Platform) -> None:
    sides = Sides()
    sides.asked(analytics=False)
    sides.asked(DAY + timedelta(days=1))
    sides.cost("7.5")
    first, idle = sides.compared(platform)
    assert first["has_analytics"] is False
    assert {column: value for column, value in first.items() if value is not None} == {
        "activity_date": DAY,
        "account": first["account"],
        "has_analytics": False,
        "cost_report_usd": Decimal("7.5"),
    }
    assert (idle["has_analytics"], idle["analytics_usd"], causes(idle)) == (True, Decimal(0), {})


def test_claude_ai_is_outside_the_console(platform: Platform) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("7")
    sides.analytics_cost("7")
    sides.analytics_cost("3", workspace_id=None, product="chat")
    assert causes(sides.compared(platform)[0]) == {"outside_console_usd": Decimal(3)}


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ("1", "priority_tier_usd"),
        ("4", "priority_tier_usd"),
        ("0.9", "unexplained_usd"),
        ("4.1", "unexplained_usd"),
        ("-2", "unexplained_usd"),
    ],
)
def test_priority_tier_explains_what_such_tokens_may_cost_and_nothing_else(
    platform: Platform, more: str, cause: str
) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("10")
    sides.used(1000, "standard")
    sides.used(200, "priority")  # 2 USD at the price of the other tokens
    sides.analytics_cost(Decimal(10) + Decimal(more))
    assert causes(sides.compared(platform)[0]) == {cause: Decimal(more)}


def test_priority_tier_of_another_workspace_explains_nothing(platform: Platform) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("10")
    sides.used(200, "priority", workspace="v")
    sides.analytics_cost("12")
    assert causes(sides.compared(platform)[0]) == {"unexplained_usd": Decimal(2)}


def test_a_restatement_analytics_do_not_have_yet_is_one(platform: Platform) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("12")
    sides.analytics_cost("10")
    sides.version("9", ASKED - timedelta(days=2), ASKED - timedelta(days=1))
    sides.version("10", ASKED - timedelta(days=1), ASKED + timedelta(minutes=1))
    sides.version("12", ASKED + timedelta(minutes=1), None)
    assert causes(sides.compared(platform)[0]) == {"restatement_usd": Decimal(-2)}


def test_analytics_older_than_the_first_cost_report_are_compared_with_that_report(
    platform: Platform,
) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("12")
    sides.analytics_cost("10")
    sides.version("10", ASKED + timedelta(minutes=1), ASKED + timedelta(days=1))
    sides.version("12", ASKED + timedelta(days=1), None)
    assert causes(sides.compared(platform)[0]) == {"restatement_usd": Decimal(-2)}


def test_a_restatement_both_sides_have_needs_no_explanation(platform: Platform) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("12")
    sides.analytics_cost("12")
    sides.version("10", ASKED - timedelta(days=1), ASKED + timedelta(minutes=1))
    sides.version("12", ASKED + timedelta(minutes=1), None)
    assert causes(sides.compared(platform)[0]) == {}


def test_a_restatement_from_before_analytics_were_asked_explains_nothing(platform: Platform) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("12")
    sides.analytics_cost("10")
    sides.version("10", ASKED - timedelta(days=2), ASKED - timedelta(days=1))
    sides.version("12", ASKED - timedelta(days=1), None)
    assert causes(sides.compared(platform)[0]) == {"unexplained_usd": Decimal(-2)}


@pytest.mark.parametrize(
    ("refreshed", "cause"),
    [
        ("2026-11-11T23:59:59Z", "not_settled_usd"),
        ("2026-11-12T00:00:00Z", "unexplained_usd"),
        (None, "unexplained_usd"),  # pulled nine days later
    ],
)
def test_a_day_is_settled_24_hours_after_its_end(platform: Platform, refreshed: str | None, cause: str) -> None:
    sides = Sides()
    sides.asked(refreshed=refreshed)
    sides.cost("10")
    sides.analytics_cost("8")
    assert causes(sides.compared(platform)[0]) == {cause: Decimal(-2)}


@pytest.mark.parametrize(("nanos", "cause"), [(3, "rounding_usd"), (-3, "rounding_usd"), (4, "unexplained_usd")])
def test_each_row_may_be_rounded_by_a_billionth(platform: Platform, nanos: int, cause: str) -> None:
    sides = Sides()
    sides.asked()
    sides.cost("10")
    sides.analytics_cost("4")
    sides.analytics_cost(6 + nanos * NANO)
    assert causes(sides.compared(platform)[0]) == {cause: nanos * NANO}


def test_whatever_is_planted_on_whatever_days_comes_out_as_planted_and_adds_up(platform: Platform) -> None:
    chance = Random(20261110)  # noqa: S311 - no secret
    sides, planted = Sides(), []
    for n in range(60):
        day = DAY + timedelta(days=n)
        wanted = _plant(sides, day, chance)
        planted.append({cause: usd for cause, usd in wanted.items() if usd})
    rows = sides.compared(platform)
    assert [causes(row) for row in rows] == planted
    assert all(any(cause in wanted for wanted in planted) for cause in CAUSES)


def test_nonsense_adds_up_too(platform: Platform) -> None:
    chance = Random(7)  # noqa: S311
    sides = Sides()
    for n in range(60):
        day = DAY + timedelta(days=n)
        sides.asked(day, refreshed=chance.choice([None, SETTLED, f"{day}T05:00:00Z"]))
        for _ in range(chance.randrange(9)):
            add = chance.choice([sides.cost, sides.analytics_cost])
            add(
                _usd(chance, 9) - 4,
                day,
                workspace_id=chance.choice([None, "w", "v"]),
                token_type=chance.choice([None, KIND, "uncached_input_tokens"]),
            )
            sides.used(chance.randrange(1000), chance.choice(["standard", "priority"]), day)
        if chance.random() < 0.5:
            sides.version(_usd(chance, 9), ASKED - timedelta(days=2), ASKED + timedelta(minutes=1), day)
            sides.version(_usd(chance, 9), ASKED + timedelta(minutes=1), None, day)
    assert all(causes(row) is not None for row in sides.compared(platform))


def _usd(chance: Random, upto: int) -> Decimal:
    return chance.randrange(1, upto * 10**9) * NANO


def _plant(sides: Sides, day: date, chance: Random) -> dict[str, Decimal]:
    """A day with equal sides, and a few planted causes of a difference on each."""
    wanted = dict.fromkeys(CAUSES, Decimal(0))
    bill = Decimal(0)
    for cell in range(chance.randint(1, 4)):
        usd = 10 + _usd(chance, 50)
        bill += usd
        some = chance.randrange(1, int(usd / NANO)) * NANO
        sides.cost(usd, day, workspace_id=f"w{cell}")
        sides.analytics_cost(some, day, workspace_id=f"w{cell}")
        sides.analytics_cost(usd - some, day, workspace_id=f"w{cell}", product="claude_code")
        sides.used(int(usd * 100), "standard", day, f"w{cell}")  # about a cent each
    if chance.random() < 0.5:
        wanted["outside_console_usd"] = _usd(chance, 30)
        sides.analytics_cost(wanted["outside_console_usd"], day, workspace_id=None, product="cowork")
    if chance.random() < 0.5:
        wanted["priority_tier_usd"] = 1 + _usd(chance, 1)
        sides.used(100, "priority", day, "of_priority")
        sides.analytics_cost(wanted["priority_tier_usd"], day, workspace_id="of_priority")
    if chance.random() < 0.4:
        wanted["restatement_usd"] = -5 - _usd(chance, 3)
        sides.version(bill, ASKED - timedelta(days=1), ASKED + timedelta(minutes=1), day)
        bill -= wanted["restatement_usd"]
        sides.version(bill, ASKED + timedelta(minutes=1), None, day)
        sides.cost(-wanted["restatement_usd"], day, workspace_id="late")
    rest, is_settled = Decimal(0), chance.random() < 0.7
    if (dice := chance.random()) < 0.4:
        rest = _usd(chance, 3) * chance.choice([1, -1])
        wanted["unexplained_usd" if is_settled else "not_settled_usd"] = rest
    elif dice < 0.7:
        rest = wanted["rounding_usd"] = chance.choice([NANO, -NANO])
    if rest:
        sides.analytics_cost(rest, day, workspace_id="odd", token_type=None, cost_type="web_search")
    evening = datetime.combine(day, time(20), UTC)
    sides.asked(day, refreshed=f"{evening + timedelta(days=20 if is_settled else 1):%Y-%m-%dT%H:%M:%SZ}")
    return wanted
