"""What a card shows. `result` is the answer of its SQL as it stands: additive columns, one row for each combination of
what may be filtered. `numbers` makes of it what is shown: filtered first, then added up, ratios last, as ratios of
sums. `aggregated` is the same as one SELECT, for tools that ask the warehouse themselves.

Where pseudonyms are wanted no address leaves here. Each result knows through which day it is whole, when providers were
last asked, and from which day on they may still change it: from the columns `data_through`, `as_of` and
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
    """A card's rows, and how good they are."""

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
    """The card's SQL as it stands, with pseudonyms for addresses where there is a salt: the installation's, if none is
    given. `freshness` is asked for where it is not given: it is the same for all cards.
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
    """What is shown when these values of these filters are chosen; a filter left out, or that the card has not,
    cuts nothing. A period's values are months, or days: a card that is kept by month shows the whole months of these.
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
    """One SELECT of dimensions and measures. `filters` has for a filter's name what its column is compared with: an
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
    """A column as the filter's values are written: of a day its month."""
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
    """Of no value at all none, as in SQL; polars makes it 0."""
    return pl.when(of.is_not_null().any()).then(of.sum())


def _whole(found: pl.DataFrame) -> list[pl.Expr]:
    """DuckDB's sum of INT64 comes as a decimal without places."""
    return [pl.col(name).cast(pl.Int64) for name, of in found.schema.items() if of == pl.Decimal(38, 0)]


def freshness_of(warehouse: Warehouse) -> pl.DataFrame:
    """How fresh each provider's data are."""
    return warehouse.query(f"dashboards/{OF_FRESHNESS}")


def _of_its_providers(known: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The freshness of the providers that the result has rows of; of all, where it does not name them."""
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
