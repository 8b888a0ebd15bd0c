"""The parts of a card besides its numbers: their quality, pseudonyms instead of addresses, and one SELECT for tools
that query the warehouse themselves.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import msgspec
import polars as pl
import pytest

from ai_usage.dashboards.boards import Card, Measure, Place, boards
from ai_usage.dashboards.cards import Result, aggregated, numbers, result
from ai_usage.redaction import EMAIL, pseudonym
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse

CARDS = {card.name: card for board in boards() for card in board.cards}
SALT = "a salt of sixteen or more"


@pytest.mark.parametrize("name", CARDS)
def test_no_address_leaves_a_card_where_pseudonyms_are_wanted(company: DuckDBWarehouse, name: str) -> None:
    plain, hidden = (result(company, CARDS[name], salt=salt).rows for salt in ("", SALT))
    assert not [text for text in _texts(hidden) if EMAIL.search(text)]
    assert _numbers(plain) == _numbers(hidden)
    named = {found for text in _texts(plain) for found in EMAIL.findall(text)}
    assert {pseudonym(address, SALT) for address in named} <= {
        word.strip(",;:") for text in _texts(hidden) for word in text.split()
    }


def test_the_salt_of_the_installation_is_taken_unless_another_is_given(
    company: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI_USAGE_PSEUDONYMS", SALT)
    people = result(company, CARDS["top_people"]).rows["person"]
    assert set(people) == {
        pseudonym(person, SALT) if "@" in person else person
        for person in result(company, CARDS["top_people"], salt="").rows["person"]
    }


def _text_columns(rows: pl.DataFrame) -> list[str]:
    return [name for name, of in rows.schema.items() if of == pl.String]


def _numbers(rows: pl.DataFrame) -> list[str]:
    return sorted(map(str, rows.drop(_text_columns(rows)).rows()))


def _texts(rows: pl.DataFrame) -> Iterator[str]:
    for name in _text_columns(rows):
        yield from rows[name].drop_nulls().unique().to_list()


def test_a_number_is_through_the_earliest_of_its_providers(company: DuckDBWarehouse) -> None:
    found = result(company, CARDS["period_spend"])
    with company.connected() as db:
        query = "select max(pulled_at) from ai_usage_raw.pulls where pull = '{}'"
        asked = [db.execute(query.format(p)).fetchall()[0][0] for p in ("claude_cost_report", "cursor_usage_events")]
        [[settled]] = db.execute(
            "select min(spend_date) from ai_usage_analytics.ai_spend where status = 'provisional'"
        ).fetchall()
    assert found.data_through == date(2026, 11, 19)
    assert found.as_of == min(asked).astimezone(UTC)
    assert (found.provisional_from, found.is_provisional) == (settled, True)


def test_a_card_of_one_provider_is_marked_by_that_one(company: DuckDBWarehouse) -> None:
    with company.connected() as db:
        [[claudes]] = db.execute(
            "select min(spend_date) from ai_usage_analytics.ai_spend "
            "where status = 'provisional' and provider = 'anthropic'"
        ).fetchall()
    assert result(company, CARDS["workspace_spend"]).provisional_from == claudes


def test_a_cards_own_data_through_goes_first(company: DuckDBWarehouse) -> None:
    with company.connected() as db:
        [[newest_day]] = db.execute("select max(as_of_date) from ai_usage_analytics.seat_use").fetchall()
    found = result(company, CARDS["idle_seats"])
    assert found.data_through == newest_day
    assert "data_through" not in found.rows.columns
    assert found.as_of is not None


def card(**more: object) -> Card:
    base = {
        "name": "month_spend",
        "title": "T",
        "question": "Q?",
        "display": "number",
        "place": Place(row=0, column=0, width=6, height=3),
        "measures": {"usd": Measure(label="USD", format="usd", of="usd")},
    }
    return msgspec.convert(base | more, Card)


def made(rows: pl.DataFrame) -> Result:
    return Result(rows, None, datetime(2026, 11, 20, tzinfo=UTC), None)


ROWS = pl.DataFrame(
    {
        "month": ["2026-10", "2026-10", "2026-11"],
        "day": [date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1)],
        "usd": [1, 30, 9],
        "lines": [10, 0, 30],
        "who": ["a", None, "a"],
    }
)


def test_a_ratio_is_of_sums_and_of_nothing_none() -> None:
    ratio = card(measures={"each": Measure(label="L", format="usd_fine", of="usd", per="lines")})
    assert numbers(made(ROWS), ratio, {})["each"].to_list() == [1.0]  # not the mean of 0.1 and 0.3
    assert numbers(made(ROWS[1:2]), ratio, {})["each"].to_list() == [None]


def test_unattributed_counts_as_no_person() -> None:
    people = card(measures={"people": Measure(label="L", format="count", distinct="who")})
    assert numbers(made(ROWS), people, {})["people"].to_list() == [1]


@pytest.mark.parametrize("column", ["month", "day"])
def test_a_period_cuts_months_and_days_alike(column: str) -> None:
    cut = card(filters={"period": column})
    assert numbers(made(ROWS), cut, {"period": ["2026-10"]})["usd"].to_list() == [31]
    assert numbers(made(ROWS), cut, {"period": ["2026-10", "2026-11"]})["usd"].to_list() == [40]
    assert numbers(made(ROWS), cut, {"team": ["Data"]})["usd"].to_list() == [40]
    assert numbers(made(ROWS), cut, {"period": []})["usd"].to_list() == [None]


def test_of_many_the_least_and_the_most_can_be_shown() -> None:
    both = card(measures={how: Measure(label="L", format="usd", of="usd", how=how) for how in ("min", "max")})
    assert numbers(made(ROWS), both, {}).to_dicts() == [{"min": 1, "max": 30}]


def test_a_tag_is_optional_and_an_expression_is_not() -> None:
    text = aggregated(CARDS["spend_trend"], engine="googlesql", filters={"period": "{{period}}", "team": "'Data'"})
    assert "[[and month = {{period}}]]" in text
    assert "\n    and team_name = 'Data'" in text
    assert "provider = " not in text
    assert text.endswith("group by month, provider\norder by month asc, provider")


def test_a_day_is_compared_by_its_month_in_both_engines() -> None:
    daily = CARDS["daily_spend"]
    assert "format_date('%Y-%m', spend_date) = {{p}}" in aggregated(
        daily, engine="googlesql", filters={"period": "{{p}}"}
    )
    assert "STRFTIME(CAST(spend_date AS DATE), '%Y-%m') = {{p}}" in aggregated(
        daily, engine="duckdb", filters={"period": "{{p}}"}
    )
