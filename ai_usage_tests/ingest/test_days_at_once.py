"""A long range is built in few parts, each of which fits into memory."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from ai_usage.ingest import day_replacement
from ai_usage.ingest.day_replacement import spans_with_few_records
from ai_usage.partitions import Span
from ai_usage_tests.warehouse.writing import PULL, answer, warehouse_in

FIRST = date(2026, 6, 1)
RANGE = Span(FIRST, FIRST + timedelta(days=99))


def parts(folder: Path, records: Mapping[int, int]) -> list[int]:
    """The number of days in each part, for a ledger with this many records on each day of the range."""
    warehouse = warehouse_in(folder)
    with warehouse.connected():
        days = {RANGE.days[n]: count for n, count in records.items()}
        warehouse.append(PULL, [answer(day, *map(str, range(count))) for day, count in days.items()])
        warehouse.append(PULL, [answer(day, *map(str, range(1, count + 1))) for day, count in days.items()])
        found = list(spans_with_few_records(warehouse, [PULL], RANGE))
    assert [day for part in found for day in part.days] == RANGE.days
    return [len(part.days) for part in found]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({}, [100]),  # nothing was pulled
        ({0: 5, 50: 3, 99: 2}, [100]),  # a second version of a day adds no records
        ({0: 8, 60: 8, 99: 2}, [60, 40]),
        (dict.fromkeys(range(100), 9), [31, 31, 31, 7]),  # no part has fewer days than a month, except the last
    ],
)
def test_a_part_has_many_days_where_they_have_few_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: dict[int, int], expected: list[int]
) -> None:
    monkeypatch.setattr(day_replacement, "RECORDS_AT_ONCE", 10)
    assert parts(tmp_path, records) == expected


def test_a_month_is_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_replacement, "RECORDS_AT_ONCE", 0)
    month = Span(FIRST, FIRST + timedelta(days=30))
    assert list(spans_with_few_records(warehouse_in(tmp_path), [PULL], month)) == [month]
