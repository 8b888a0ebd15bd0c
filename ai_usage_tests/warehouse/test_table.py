"""A frame that does not fit its table is refused."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.warehouse.table import Column, Table, Type, day, dollars, string

TABLE = Table(name="t", grain="a row", columns={"activity_date": day("d"), "usd": dollars("m"), "name": string("n")})
GOOD: Mapping[str, list[Any]] = {
    "name": [None],
    "usd": [Decimal("12345678901234567890.123456789")],
    "activity_date": [date(2026, 1, 1)],
}


def test_columns_come_in_the_tables_order_and_types() -> None:
    frame = TABLE.frame(GOOD)
    assert dict(frame.schema) == {name: column.type.polars for name, column in TABLE.columns.items()}
    assert frame["usd"].to_list() == GOOD["usd"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"more": [1]}, r"columns differ: .'more'"),
        ({"usd": [None]}, "t.usd is null in 1 rows"),
    ],
)
def test_a_frame_unlike_its_table_is_refused(change: dict[str, list[Any]], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        TABLE.frame({**GOOD, **change})
    with pytest.raises(ValueError, match=r"columns differ: .'usd'"):
        TABLE.frame({name: values for name, values in GOOD.items() if name != "usd"})


def test_money_that_does_not_fit_is_refused() -> None:
    with pytest.raises(Exception, match=r"precision|fit|conversion"):
        TABLE.frame({**GOOD, "usd": [Decimal(10) ** 30]})


def test_every_type_has_a_name_in_every_engine() -> None:
    assert all(Column(kind, "x").type.googlesql and kind.duckdb for kind in Type)
