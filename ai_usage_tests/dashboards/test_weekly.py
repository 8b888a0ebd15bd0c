"""The weekly digest's numbers equal those of the boards and of an independent query. Unknown values are named as
unknown.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ai_usage.dashboards import weekly as module
from ai_usage.dashboards.boards import boards
from ai_usage.dashboards.cards import Result, numbers, result
from ai_usage.dashboards.weekly import Asked, usd, weekly
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage_tests.dashboards.company import USD
from ai_usage_tests.dashboards.truth import TRUTHS

CARDS = {card.name: card for of in boards() for card in of.cards}
NEWEST = date(2026, 11, 19)
AMOUNT = re.compile(r"−?\$[\d,]+\.\d\d")


@pytest.fixture(scope="module")
def digest(company: DuckDBWarehouse) -> dict[str, list[str]]:
    found = weekly(company)
    assert found is not None
    assert (found.newest, found.title) == (NEWEST, "Weekly digest, 13 Nov to 19 Nov 2026")
    return {section.title: list(section.lines) for section in found.sections}


def shown(company: DuckDBWarehouse, name: str, **chosen: list[str]) -> list[dict[str, Any]]:
    """The board's lines, after comparison with an independent query over the days."""
    lines = numbers(result(company, CARDS[name]), CARDS[name], chosen).to_dicts()
    with company.connected() as db:
        truth = db.sql(TRUTHS[name].sql(chosen)).pl().to_dicts()
    measures = list(CARDS[name].measures)
    ours, others = ([tuple(float(line[m] or 0) for m in measures) for line in of] for of in (lines, truth))
    assert sorted(ours) == [pytest.approx(line) for line in sorted(others)]
    return lines


def test_the_total_is_that_of_the_board(company: DuckDBWarehouse, digest: dict[str, list[str]]) -> None:
    [spent], [forecast], [against] = (
        shown(company, name) for name in ("month_spend", "month_forecast", "budget_variance")
    )
    total, expected, budget = digest["Total against budget"]
    assert total.startswith(f"{usd(spent['spent_usd'])} billed in November 2026 so far")
    assert total.endswith("known through 19 Nov.")
    assert AMOUNT.findall(expected) == [usd(forecast[name]) for name in ("forecast_usd", "low_usd", "high_usd")]
    variance = against["variance_usd"]
    assert AMOUNT.findall(budget) == [usd(against["budget_usd"]), usd(abs(variance))]
    assert (" over it" in budget, " under it" in budget) == (variance > 0, variance <= 0)


def test_the_largest_movers_add_up_to_the_boards_growth(company: DuckDBWarehouse, digest: dict[str, list[str]]) -> None:
    [growth] = shown(company, "month_growth")
    total, *rest = digest["Largest movers"]
    way = "more" if growth["growth_usd"] > 0 else "less"
    assert total.startswith(f"In total {usd(abs(growth['growth_usd']))} {way} ({growth['growth_ratio'] * 100:+.1f} %)")
    movers = [line for line in rest if "days of last month" in line]
    signed = [(1 if " more " in line else -1) * amount(line) for line in movers]
    assert sum(signed) == pytest.approx(growth["growth_usd"], abs=Decimal("0.02"))
    assert [abs(one) for one in signed] == sorted(map(abs, signed), reverse=True)
    assert {line.split(":")[0] for line in movers} == {"Anthropic", "Cursor"}


def amount(line: str) -> Decimal:
    return Decimal(AMOUNT.findall(line)[0].replace("$", "").replace(",", "").replace("−", "-"))


def test_keys_without_an_owner_are_those_of_the_board(company: DuckDBWarehouse, digest: dict[str, list[str]]) -> None:
    lines = [line for line in shown(company, "unattributed_sources", period=["2026-11"]) if line["api_key"] != "no key"]
    first, *keys = digest["Keys without an owner"]
    if not lines:
        assert first == "Every key that spent in November has an owner."
    else:
        assert amount(first) == pytest.approx(sum(line["spent_usd"] for line in lines), abs=Decimal("0.01"))
        assert len(keys) == min(len(lines), module.LISTED) + (len(lines) > module.LISTED)


def test_idle_seats_and_open_months_are_those_of_the_boards(
    company: DuckDBWarehouse, digest: dict[str, list[str]]
) -> None:
    [cost] = shown(company, "idle_seat_cost")
    first, *members = digest["Idle seats"]
    assert first.startswith(f"{cost['idle_seats']} seats idle or unassigned ({cost['unassigned_seats']} unassigned)")
    assert amount(first) == cost["saving_usd"].quantize(Decimal("0.01"))
    idle = [line for line in shown(company, "idle_seats") if line["person"] != "unassigned"]
    assert {line.split(",")[0] for line in members[: module.LISTED]} <= {line["person"] for line in idle}
    months = shown(company, "months_closed")
    wanted = {f"{date.fromisoformat(line['month'] + '-01'):%B %Y}" for line in months
              if line["status"] != "closed" and line["month"] < "2026-11"}  # fmt: skip
    assert {line.split(":")[0] for line in digest["Open months"]} == wanted != set()


def test_what_deviates_is_what_the_board_lists(company: DuckDBWarehouse, digest: dict[str, list[str]]) -> None:
    week = result(company, CARDS["unusual_spend"]).rows.filter(pl.col("spend_date") > date(2026, 11, 12)).to_dicts()
    for title, kinds in (("Largest movers", {"spike", "drop"}), ("New keys and models", {"new_key", "new_model"})):
        amounts = {usd(row["spent_usd"]) for row in week if row["kind"] in kinds}
        listed = [line for line in digest[title] if " of " in line and "last month" not in line]
        assert {AMOUNT.findall(line)[0] for line in listed if AMOUNT.findall(line)} <= amounts
        assert bool(listed) == bool(amounts), title


# Unknown values, from answers written by hand.


def answer(schema: dict[str, Any], *rows: tuple[Any, ...]) -> Result:
    return Result(pl.DataFrame(rows, schema=schema, orient="row"), None, datetime(2026, 11, 20, tzinfo=UTC), None)


def asked(**results: Result) -> Asked:
    return Asked(None, pl.DataFrame(), CARDS, dict(results))  # type: ignore[arg-type]


OF_FORECAST = dict.fromkeys(("forecast_usd", "low_usd", "high_usd"), USD)
OF_BUDGET = dict.fromkeys(("variance_usd", "budget_usd"), USD)
OF_PEOPLE = {"provider": pl.String, "cost_center": pl.String, "team_name": pl.String, "person": pl.String}
SPENT = answer({**OF_PEOPLE, "billed_usd": USD}, ("cursor", "1", "Data", "a", Decimal("12.5")))
ANOMALIES = {
    "spend_date": pl.Date,
    "kind": pl.String,
    "scope": pl.String,
    "label": pl.String,
    "provider": pl.String,
    "contributors": pl.String,
    "spent_usd": USD,
    "expected_usd": USD,
    "excess_usd": USD,
}


@pytest.mark.parametrize(
    ("forecast", "budget", "sentences"),
    [
        ([], [], ["The forecast is unknown: too few days", "There is no total budget: the sheet's tab budgets"]),
        ([], [(None, Decimal(100))], ["The forecast is unknown", "Budget $100.00; whether it will hold is unknown."]),
        (
            [(Decimal(80), None, None)],
            [(Decimal(-20), Decimal(100))],
            ["Forecast for the month: $80.00.", "Budget $100.00: the forecast is $20.00 under it (20 %)."],
        ),
        (
            [(Decimal(130), Decimal(120), Decimal(150))],
            [(Decimal(30), Decimal(100))],
            ["Forecast for the month: $130.00 (80 % interval $120.00 to $150.00).", "$30.00 over it (30 %)."],
        ),
    ],
)
def test_an_unknown_forecast_or_budget_is_called_so(
    forecast: list[Any], budget: list[Any], sentences: list[str]
) -> None:
    of = asked(
        month_spend=SPENT, month_forecast=answer(OF_FORECAST, *forecast), budget_variance=answer(OF_BUDGET, *budget)
    )
    first, *rest = module._total(of, NEWEST)
    assert first == "$12.50 billed in November 2026 so far."
    assert all(wanted in line for wanted, line in zip(sentences, rest, strict=True))


def test_days_that_are_unknown_are_counted_by_provider() -> None:
    days = [date(2026, 11, day) for day in range(1, 20)]
    known = {"anthropic": days, "cursor": days[4:], "openai": [date(2026, 10, 1), *days[:3]]}
    assert list(module._unknown_days(known, NEWEST)) == [
        "Cursor: 15 of 19 days known; the others are unknown, not $0.",
        "OpenAI: 3 of 19 days known; the others are unknown, not $0.",
    ]


def test_a_spike_is_listed_once_with_its_cause_and_a_drop_is_below() -> None:
    def row(day: int, kind: str, scope: str, label: str, spent: int, by: str = "") -> tuple[Any, ...]:
        return (date(2026, 11, day), kind, scope, label, "cursor", by, Decimal(spent), Decimal(50), Decimal(spent - 50))

    rows = [
        row(18, "spike", "api_key", "etl", 90, "gpt +$40"),
        row(18, "spike", "provider", "cursor", 95),
        row(19, "drop", "provider", "cursor", 0),
        row(12, "spike", "model", "old", 900),
        row(17, "new_key", "api_key", "fresh", 7),
    ]
    of = asked(unusual_spend=answer(ANOMALIES, *rows))
    assert list(module._deviations(of, NEWEST)) == [
        "19 Nov, drop of Cursor: $0.00, $50.00 below its baseline.",
        "18 Nov, spike of key etl: $90.00, $40.00 above its baseline. Largest contributors: gpt +$40.",
    ]
    assert module._new(of, NEWEST) == ["New key fresh of Cursor on 17 Nov: $7.00 so far."]


def test_without_rows_each_section_says_what_that_means() -> None:
    seats = {"provider": pl.String, "team_name": pl.String, "person": pl.String, "saving_usd": USD} | dict.fromkeys(
        ("idle_seats", "unassigned_seats", "seats"), pl.Int64
    )
    grown = {"provider": pl.String, "growth_usd": USD, "previous_usd": USD, "days": pl.Int64}
    of = asked(unusual_spend=answer(ANOMALIES), idle_seat_cost=answer(seats), month_growth=answer(grown))
    assert list(module._deviations(of, NEWEST)) == ["No spike or drop was found in these seven days."]
    assert module._new(of, NEWEST) == ["None was found in these seven days."]
    assert module._idle(of) == ["Unknown: no provider lists who has its seats."]
    [growth] = module._growth(of)
    assert growth.startswith("Growth is unknown")
    row = ("cursor", Decimal(1), Decimal(2), 1)
    assert list(module._growth(asked(month_growth=answer(grown, row))))[1].endswith("in the first day of last month.")


def test_keys_without_an_owner_are_listed_with_their_place_the_most_expensive_first() -> None:
    schema = dict.fromkeys(("month", "provider", "platform", "charge_type", "workspace", "api_key"), pl.String)
    rows = [
        ("2026-11", "anthropic", "claude_api", "usage", "Default", f"key-{number}", Decimal(number))
        for number in range(8)
    ]
    rows += [
        ("2026-11", "cursor", "cursor", "subscription", "Teams", "no key", Decimal(500)),
        ("2026-10", "anthropic", "claude_api", "usage", "Default", "old", Decimal(900)),
    ]
    of = asked(unattributed_sources=answer({**schema, "billed_usd": USD}, *rows))
    first, *keys = module._unowned(of, NEWEST)
    assert first == "$28.00 in November so far. Write their owners into the sheet's tab api_key_mapping."
    assert keys[0] == "key-7 (Claude API, Default): $7.00."
    assert keys[-1] == "And 2 more keys: the boards list them all."
