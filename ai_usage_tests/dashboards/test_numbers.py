"""Every number of every card equals an independent query over the same days, filtered or not."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ai_usage.dashboards.boards import Card, boards
from ai_usage.dashboards.cards import Result, aggregated, numbers, result
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage_tests.dashboards.truth import TRUTHS

CARDS = {card.name: card for board in boards() for card in board.cards}
CHOICES: dict[str, Mapping[str, Collection[str]]] = {
    "all": {},
    "a month": {"period": ["2026-10"]},
    "a quiet month": {"period": ["2026-09"]},
    "days": {"period": [f"2026-10-{day:02}" for day in range(5, 22)]},
    "the newest month": {"period": ["2026-11"]},
    "days of two months": {"period": ["2026-10-31", "2026-11-01"]},
    "a provider": {"provider": ["cursor"]},
    "cost centers": {"cost_center": ["4100", "no cost center"]},
    "teams": {"team": ["team-03", "team-07", "no team"]},
    "people": {"person": ["person00003@example.com", "person00005@example.com", "unattributed"]},
    "all of them": {
        "period": ["2026-09", "2026-11"],
        "provider": ["anthropic"],
        "team": ["team-05", "team-10"],
        "person": ["person00005@example.com", "person00010@example.com"],
    },
}
IN_FULL = {  # cards of the whole cost, including seats and unattributed cost
    *("period_spend", "platform_share", "top_teams", "top_people", "daily_spend", "budget_trend", "spend_trend"),
    *("person_platform", "team_spend", "attribution_quality_trend"),
}
DAYS = {  # for a card with days or weeks: the column of its fact
    **{name: name for name in ("spend_date", "activity_date", "checked_date")},
    "week_start": "monday",
}

Shown = dict[tuple[str, ...], list[Any]]


def filters_of(card: Card, chosen: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
    """The chosen filters for which the card has a column."""
    return {name: values for name, values in chosen.items() if name in {str(key) for key in card.filters}}


def shown(rows: list[dict[str, Any]], card: Card) -> Shown:
    return {
        tuple(str(row[name]) for name in card.dimensions): [_number(row[name]) for name in card.measures]
        for row in rows
    }


def _commonest(found: Result, column: str) -> str:
    values = found.rows[column].drop_nulls()
    values_as_text = values.dt.strftime("%Y-%m") if values.dtype == pl.Date else values
    return str(values_as_text.mode().sort()[0])


def _number(value: Any) -> Any:
    if isinstance(value, (Decimal, int)):
        return Decimal(value)
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def _comparable(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def same(ours: Shown, truth: Shown) -> None:
    """Floats are approximately equal; amounts are equal to the last digit if both sides have Decimal."""
    assert ours.keys() == truth.keys()
    for key, values in ours.items():
        for mine, other in zip(values, truth[key], strict=True):
            if isinstance(mine, Decimal) and isinstance(other, Decimal):
                assert mine == other, key
            else:
                assert _comparable(mine) == _comparable(other), key


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("name", CARDS)
def test_a_card_shows_what_the_days_come_to(company: DuckDBWarehouse, name: str, choice: str) -> None:
    card, chosen = CARDS[name], filters_of(CARDS[name], CHOICES[choice])
    found = numbers(result(company, card), card, chosen)
    with company.connected() as db:
        truth = db.sql(TRUTHS[name].sql(chosen, DAYS.get(card.filters.get("period", ""), ""))).pl()
    same(shown(found.to_dicts(), card), shown(truth.to_dicts(), card))


@pytest.mark.parametrize("choice", ["all", "a month", "the newest month", "days"])
def test_the_counts_of_results_are_those_of_their_table(company: DuckDBWarehouse, choice: str) -> None:
    [total], lines = (
        numbers(result(company, CARDS[name]), CARDS[name], CHOICES[choice]).to_dicts()
        for name in ("failed_checks", "results_by_check")
    )
    for name in ("failed", "warned", "not_evaluated"):
        assert total[name] == sum(line[name] for line in lines), name


@pytest.mark.parametrize("name", CARDS)
def test_no_card_is_empty_in_a_company_that_has_everything(company: DuckDBWarehouse, name: str) -> None:
    assert not result(company, CARDS[name]).rows.is_empty()


@pytest.mark.parametrize("name", CARDS)
def test_the_select_for_other_tools_gives_the_same_numbers(company: DuckDBWarehouse, name: str) -> None:
    card, found = CARDS[name], result(company, CARDS[name])
    chosen: dict[str, list[str]] = {
        str(name): [_commonest(found, column)] for name, column in card.filters.items() if name != "person"
    }
    cuts: dict[str, str] = {filter_: f"'{next(iter(values))}'" for filter_, values in chosen.items()}
    with company.connected() as db:
        rows = db.sql(aggregated(card, engine="duckdb", filters=cuts)).pl().to_dicts()
    same(shown(numbers(found, card, chosen).to_dicts(), card), shown(rows, card))
    assert rows


@pytest.mark.parametrize("name", sorted(IN_FULL))
def test_what_is_the_whole_bill_adds_up_to_ai_spend(company: DuckDBWarehouse, name: str) -> None:
    card = CARDS[name]
    with company.connected() as db:
        [[bill]] = db.execute("select sum(billed_usd) from ai_usage_analytics.ai_spend").fetchall()
    assert sum(numbers(result(company, card), card, {})["spent_usd"]) == bill


def test_no_card_adds_an_estimate_to_a_bill() -> None:
    """No measure's column contains both, and no column of estimates is called billed."""
    for card in CARDS.values():
        for measure in card.measures.values():
            assert measure.of != "estimated_usd", card.name
        assert {"billed_usd", "worth_usd"} - {m.of for m in card.measures.values()}, card.name
