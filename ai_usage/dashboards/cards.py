"""The numbers of a card. `result` is the answer of its SQL: additive columns, one row for each combination of filter
values. `numbers` computes from it what is shown: filtered first, then added up, ratios last, as ratios of sums.
`aggregated` is the same as one SELECT, for tools that query the warehouse themselves.

With pseudonyms on, no address leaves here. Each result has the last day of complete data, when providers were last
asked, and the first day that they may still restate: from the columns `data_through`, `as_of` and
`provisional_from` of the card's own SQL, else `sql/dashboards/board_freshness.sql`, which has them by provider. Of
several providers it is the earliest: everything shown is known that far.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import polars as pl

from ai_usage.dashboards.boards import OF_FRESHNESS, Card, Measure
from ai_usage.redaction import Redaction
from ai_usage.settings import pseudonym_salt
from ai_usage.warehouse.googlesql import read, to_duckdb
from ai_usage.warehouse.people import known_people
from ai_usage.warehouse.port import Warehouse

Engine = Literal["googlesql", "duckdb"]
MARKS = ("data_through", "as_of", "provisional_from")
PERIOD, DAY = "period", "%Y-%m-%d"
MONTH, MONTH_COLUMN = "%Y-%m", "month"  # a period cuts on this text, or on a DATE


@dataclass(frozen=True)
class Result:
    """A card's rows, and their freshness."""

    rows: pl.DataFrame
    data_through: date | None
    as_of: datetime | None
    provisional_from: date | None  # a month before it is final

    @property
    def is_provisional(self) -> bool:
        """Whether a provider may still restate a day up to data_through."""
        return self.provisional_from is not None


def result(
    warehouse: Warehouse, card: Card, freshness: pl.DataFrame | None = None, *, salt: str | None = None
) -> Result:
    """The answer of the card's SQL, with pseudonyms for addresses if there is a salt: by default, the installation's.
    `freshness` is queried unless it is given: it is the same for all cards.
    """
    found = warehouse.query(card.query)
    known = _of_its_providers(freshness_of(warehouse) if freshness is None else freshness, found)
    through, as_of, provisional_from = ((found if name in found else known)[name].drop_nulls() for name in MARKS)
    rows = found.drop(MARKS, strict=False).with_columns(_whole(found))
    salt = pseudonym_salt() if salt is None else salt
    redact = Redaction(salt=salt, people=lambda: known_people(warehouse))
    return Result(
        rows=redact.frame(rows) if redact.salt else rows,
        data_through=_date(through.min()),
        as_of=_instant(as_of.min()),
        provisional_from=_date(provisional_from.min()),
    )


def numbers(result: Result, card: Card, chosen: Mapping[str, Collection[str]]) -> pl.DataFrame:
    """The shown rows when these values of these filters are chosen; a filter that is missing, or that the card lacks,
    removes nothing. A period's values are months or days: a monthly card shows the whole months of these days.
    """
    rows = result.rows
    for name, values in chosen.items():
        if column := {str(key): of for key, of in card.filters.items()}.get(name):
            is_kept = _in_period if name == PERIOD else _is_one_of
            rows = rows.filter(is_kept(rows, column, values))
    measures = [_expression(measure).alias(name) for name, measure in card.measures.items()]
    if not card.dimensions:
        return rows.select(measures)
    return rows.group_by(list(card.dimensions), maintain_order=True).agg(measures)


def aggregated(card: Card, *, engine: Engine, filters: Mapping[str, str]) -> str:
    """One SELECT of dimensions and measures. `filters` maps a filter's name to what its column is compared with: an
    expression, or a tag such as `{{period}}`, which makes the comparison optional: `[[and month = {{period}}]]`.
    """
    spoken = _in_duckdb if engine == "duckdb" else str
    sql = to_duckdb(read(card.query))[0] if engine == "duckdb" else read(card.query)
    shown = [f"    {spoken(_written(m))} as {name}" for name, m in card.measures.items()]
    wheres = [
        _optional(f"and {spoken(_compared_sql(card, column))} = {filters[name]}")
        for name, column in card.filters.items()
        if name in filters
    ]
    dimensions = list(card.dimensions)
    lines = [
        "select",
        ",\n".join([*(f"    {name}" for name in dimensions), *shown]),
        f"from (\n{_indented(sql)}\n) as card",
        *(["where true", *(f"    {where}" for where in wheres)] if wheres else []),
        *([f"group by {', '.join(dimensions)}"] if dimensions else []),
        *([f"order by {', '.join(_order(card))}"] if dimensions else []),
    ]
    return "\n".join(lines)


def _order(card: Card) -> list[str]:
    key = card.sort or card.x or ""
    first = [f"{key.removeprefix('-')} {'desc' if key.startswith('-') else 'asc'}"] if key else []
    return first + [name for name in card.dimensions if name != key.removeprefix("-")]


def _optional(condition: str) -> str:
    return f"[[{condition}]]" if "{{" in condition else condition


def _compared_sql(card: Card, column: str) -> str:
    """A column in the format of the filter's values: the month of a day."""
    if card.filters.get("period") != column or column == MONTH_COLUMN:
        return column
    return f"format_date('{MONTH}', {column})"


def _is_one_of(_: pl.DataFrame, column: str, values: Collection[str]) -> pl.Expr:
    return pl.col(column).is_in(list(values))


def _in_period(rows: pl.DataFrame, column: str, values: Collection[str]) -> pl.Expr:
    if rows.schema[column] != pl.Date:
        return pl.col(column).is_in(list({value[: len("2026-11")] for value in values}))
    return pl.col(column).dt.strftime(MONTH).is_in(list(values)) | pl.col(column).dt.strftime(DAY).is_in(list(values))


def _written(measure: Measure) -> str:
    if measure.distinct:
        return f"count(distinct {measure.distinct})"
    if measure.per:
        return f"safe_divide(cast(sum({measure.of}) as float64), cast(sum({measure.per}) as float64))"
    return f"{measure.how}({measure.of})"


def _expression(measure: Measure) -> pl.Expr:
    if measure.distinct:
        return pl.col(measure.distinct).drop_nulls().n_unique()
    assert measure.of is not None  # noqa: S101 - boards.py has refused it
    of = pl.col(measure.of)
    if measure.per:
        above, below = _sum(of).cast(pl.Float64), _sum(pl.col(measure.per)).cast(pl.Float64)
        return pl.when(below != 0).then(above / below)
    return {"sum": _sum(of), "min": of.min(), "max": of.max()}[measure.how]


def _sum(of: pl.Expr) -> pl.Expr:
    """A sum that is null if all values are null, as in SQL; polars returns 0."""
    return pl.when(of.is_not_null().any()).then(of.sum())


def _whole(found: pl.DataFrame) -> list[pl.Expr]:
    """DuckDB's sum of INT64 comes as a decimal without places."""
    return [pl.col(name).cast(pl.Int64) for name, of in found.schema.items() if of == pl.Decimal(38, 0)]


def freshness_of(warehouse: Warehouse) -> pl.DataFrame:
    """The freshness of each provider's data."""
    return warehouse.query(f"dashboards/{OF_FRESHNESS}")


def _of_its_providers(known: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The freshness of the providers in the result's rows; of all, if it has no provider column."""
    if "provider" in found.columns and set(known["provider"]) & set(found["provider"]):
        return known.filter(pl.col("provider").is_in(found["provider"].unique().to_list()))
    return known


def known_days(warehouse: Warehouse) -> dict[str, list[date]]:
    """The UTC days that are known, by provider. The others are unknown."""
    found: dict[str, list[date]] = {}
    for provider, day in warehouse.query("dashboards/board_known_days").sort("provider", "spend_date").iter_rows():
        found.setdefault(provider, []).append(day)
    return found


def _date(value: object) -> date | None:
    return value if isinstance(value, date) else None


def _instant(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


def _indented(sql: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in sql.strip().splitlines())


def _in_duckdb(expression: str) -> str:
    return to_duckdb(f"select {expression}")[0].removeprefix("SELECT ")
