"""Expressions that sqlglot translates with another meaning for DuckDB, and the few that all queries use: compared with
Google's evaluator over the values for which engines differ.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage_tests.googlesql.engine import GoogleEngine
from ai_usage_tests.googlesql.two_engines import cells

DAYS = [
    *("2024-02-28", "2024-02-29", "2024-03-01", "2024-12-29", "2024-12-30", "2024-12-31", "2025-01-01"),
    *("2026-01-03", "2026-01-04", "2026-01-05", "2026-12-27", "2026-12-31", "2027-01-01", "2027-01-03", "2027-01-04"),
    *("1969-12-31", "1970-01-01", "2000-02-29"),
]
INSTANTS = [
    *("1969-12-31 23:59:59.999999", "1970-01-01 00:00:00", "2024-02-29 23:59:59.999999", "2024-03-01 00:00:00"),
    *("2024-03-01 00:00:00.000001", "2024-03-31 01:30:00", "2026-01-04 23:30:00", "2026-01-05 00:15:00"),
    *("2026-01-05 23:29:59.999", "2026-01-05 23:30:00"),
]
AMOUNTS = ["0", "0.000000001", "-0.000000001", "1.123456789", "-2.5", "12345678901234.123456789"]
BILLED = [
    *("0", "0.000000001", "-0.000000001", "-2.5", "0.1", "1234567890.123456789", "9007199.254740993"),
    *("9223372036.854775807", "-9223372036.854775808"),
]
WHOLES = ["-7", "-1", "0", "1", "2", "7", "1000000007"]
EXPRESSIONS = {
    ("date", *DAYS): [
        "extract(dayofweek from x)",
        "extract(dayofweek from x) * 2",
        "extract(isoweek from x)",
        "extract(isoyear from x)",
        "extract(quarter from x)",
        "last_day(x)",
        "extract(day from last_day(x))",
        "date_trunc(x, month)",
        "date_trunc(x, quarter)",
        "date_trunc(x, isoweek)",
        "date_trunc(x, week)",
        "date_add(x, interval 1 day)",
        "date_sub(x, interval 1 month)",
        "date_diff(x, date '2024-02-29', day)",
        "date_diff(x, date '2024-02-29', month)",
        "date_diff(x, date '2024-02-29', isoweek)",
        "format_date('%Y-%m', x)",
        "format_date('%G-W%V', x)",
    ],
    ("timestamp", *INSTANTS): [
        "extract(dayofweek from x)",
        "extract(isoweek from x)",
        "extract(hour from x)",
        "date(x)",
        "timestamp_trunc(x, hour)",
        "timestamp_add(x, interval 90 minute)",
    ],
    ("numeric", *AMOUNTS): [
        "cast(x as numeric)",
        "cast(x as float64) / 3",
        "cast(x * cast('0.5' as numeric) as numeric)",
        "x + cast('0.000000001' as numeric)",
        "x > 1",
        "round(x, 2)",
        "trunc(x, 2)",
        "abs(x)",
    ],
    ("numeric", *BILLED): [
        "cast(x * 1000000000 as int64)",
        "div(cast(x * 1000000000 as int64) * 1, 3)",
        "cast(greatest(-x + x + x, cast(0 as numeric)) * 1000000000 as int64) - 1",
    ],
    ("int64", *WHOLES): [
        "div(x, 2)",
        "5 * div(x + 1, 1 + 1)",
        "div(div(x, 2), 3)",
        "mod(x, 3)",
        "x / 2",
        "safe_divide(x, x)",
        "cast(round(x / 2) as int64)",
        "cast(x as numeric) * cast('0.000000001' as numeric)",
        "if(x > 0, 'more', null)",
    ],
}
OF_NONE = [
    "countif(x > 1)",
    "countif(x > 1) + countif(timestamp_diff(timestamp_seconds(x), timestamp_seconds(0), minute) = 0)",
    "count(*)",
    "count(distinct x)",
    "sum(x)",
    "max(x)",
    "logical_or(x > 1)",
    "string_agg(cast(x as string), ',' order by x)",
]


@pytest.fixture(scope="module")
def duckdb(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    folder: Path = tmp_path_factory.mktemp("rewrites")
    return DuckDBWarehouse(folder / "a.duckdb", folder / "b.duckdb", [], lambda: datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module", autouse=True)
def _nothing(google: GoogleEngine) -> None:
    """A world without tables."""
    google.declare("nothing", [], {})


def assert_same(google: GoogleEngine, duckdb: DuckDBWarehouse, sql: str) -> None:
    found = google.evaluate("nothing", sql, {})
    assert found.rows
    assert cells(duckdb.ask(sql).rows(), found.columns) == cells(found.rows, found.columns)


def values(of: str, *written: str, name: str) -> str:
    casts = ", ".join(f"cast('{each}' as {of})" for each in written)
    return f"unnest([{casts}]) as {name}"


@pytest.mark.parametrize(
    ("column", "expression"),
    [(column, expression) for column, expressions in EXPRESSIONS.items() for expression in expressions],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_an_expression_means_the_same_of_every_value(
    google: GoogleEngine, duckdb: DuckDBWarehouse, column: tuple[str, ...], expression: str
) -> None:
    assert_same(google, duckdb, f"select x, {expression} as found from {values(*column, name='x')} order by x")


@pytest.mark.parametrize("unit", ["microsecond", "millisecond", "second", "minute", "hour", "day"])
def test_a_difference_of_instants_counts_whole_units(google: GoogleEngine, duckdb: DuckDBWarehouse, unit: str) -> None:
    pairs = f"{values('timestamp', *INSTANTS, name='a')} cross join {values('timestamp', *INSTANTS, name='b')}"
    assert_same(google, duckdb, f"select a, b, timestamp_diff(a, b, {unit}) as found from {pairs} order by a, b")


@pytest.mark.parametrize("order", ["x", "x desc", "x nulls last", "x desc nulls first"])
def test_nulls_stand_where_google_puts_them(google: GoogleEngine, duckdb: DuckDBWarehouse, order: str) -> None:
    row = f"row_number() over (order by {order}) as position"
    assert_same(google, duckdb, f"select x, {row} from unnest([2, null, 1]) as x order by {order}")


@pytest.mark.parametrize("aggregate", OF_NONE)
@pytest.mark.parametrize("most", [0, 1, 9])
def test_an_aggregate_means_the_same_of_many_rows_of_one_and_of_none(
    google: GoogleEngine, duckdb: DuckDBWarehouse, aggregate: str, most: int
) -> None:
    assert_same(google, duckdb, f"select {aggregate} as found from unnest([1, 2, null, 5]) as x where x <= {most}")


@pytest.mark.parametrize(
    "division", ["x / 3", "safe_divide(x, 3)", "div(x, 2)", "(select avg(y) from unnest([x, x + 1]) as y)"]
)
def test_a_division_of_numerics_is_wrong_on_duckdb_which_is_why_it_is_forbidden(
    google: GoogleEngine, duckdb: DuckDBWarehouse, division: str
) -> None:
    """If this test fails, DuckDB or sqlglot supports it, and the rule against it can be removed."""
    with pytest.raises(TypeError, match=r"NUMERIC in GoogleSQL, and here float"):
        assert_same(google, duckdb, f"select {division} as found from unnest([cast('7.5' as numeric)]) as x")
