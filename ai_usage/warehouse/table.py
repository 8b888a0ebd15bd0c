"""The declaration of a table: place, grain and columns. It feeds the DDL, every write and the Dagster UI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import dagster as dg
import polars as pl
from polars._typing import PolarsDataType

RAW, ANALYTICS = "ai_usage_raw", "ai_usage_analytics"


class Type(Enum):
    """A column's type: in GoogleSQL, in DuckDB, in polars."""

    STRING = ("STRING", "VARCHAR", pl.String)
    INTEGER = ("INT64", "BIGINT", pl.Int64)
    BOOLEAN = ("BOOL", "BOOLEAN", pl.Boolean)
    DATE = ("DATE", "DATE", pl.Date)
    INSTANT = ("TIMESTAMP", "TIMESTAMPTZ", pl.Datetime("us", "UTC"))
    NUMERIC = ("NUMERIC(38, 9)", "DECIMAL(38, 9)", pl.Decimal(38, 9))
    FLOAT = ("FLOAT64", "DOUBLE", pl.Float64)  # of statistics, such as medians and forecasts; never a billed amount

    def __init__(self, googlesql: str, duckdb: str, polars: PolarsDataType) -> None:
        self.googlesql = googlesql
        self.duckdb = duckdb
        self.polars = polars


@dataclass(frozen=True)
class Column:
    type: Type
    description: str
    required: bool = False
    is_bulky: bool = False  # long text, written once and seldom read: worth a slower, denser compression
    before: str | None = None  # what rows have that were there before this column was


def string(description: str, *, required: bool = False) -> Column:
    return Column(Type.STRING, description, required)


def integer(description: str, *, required: bool = True) -> Column:
    return Column(Type.INTEGER, description, required)


def boolean(description: str, *, required: bool = False, before: str | None = None) -> Column:
    return Column(Type.BOOLEAN, description, required, before=before)


def day(description: str, *, required: bool = True) -> Column:
    return Column(Type.DATE, description, required)


def instant(description: str, *, required: bool = False) -> Column:
    return Column(Type.INSTANT, description, required)


def numeric(description: str, *, required: bool = False) -> Column:
    return Column(Type.NUMERIC, description, required)


def dollars(description: str, *, required: bool = True) -> Column:
    return Column(Type.NUMERIC, description, required)


DEFAULT_ACCOUNT = "default"  # of credentials that name no account, and of every pull before there were accounts


def account(description: str = "the account at the provider", *, before: str = DEFAULT_ACCOUNT) -> Column:
    """The column of accounts. `before` is the account of the rows that an earlier release wrote without one."""
    return Column(Type.STRING, description, required=True, before=before)


STAMPS = {
    "pull_id": string("the pull of these records, in ai_usage_raw.pulls", required=True),
    "ingestion_timestamp": instant("when that pull was made: the version's pulled_at", required=True),
}
ACCOUNT_STAMPS = {"account": account(), **STAMPS}  # of what is made of a provider's records


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the warehouse. `date_column` is what it is partitioned by; None where it is one snapshot. `view_of`
    names the query in `sql/` that a view is.
    """

    name: str
    grain: str
    question: str = ""  # that people answer with it
    example: str = ""  # one query that answers it
    step_of: str = ""  # the table or check of which this one is only a step; such a table has no question
    columns: Mapping[str, Column]
    schema: str = ANALYTICS
    date_column: str | None = "activity_date"
    cluster: tuple[str, ...] = ()
    key: tuple[str, ...] = ()  # no two rows of a day share it; empty where equal rows are two facts
    key_if: str = ""  # a column without which a row has no key
    view_of: str | None = None

    @property
    def address(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_ledger(self) -> bool:
        """Whether it keeps the records of one pull."""
        return self.schema == RAW and "record" in self.columns

    def frame(self, columns: Mapping[str, Iterable[Any]]) -> pl.DataFrame:
        """The columns as this table's types, in its order; `ValueError` if a column lacks, is too many or is null
        where it may not be. Providers write an empty text for none: where a text may be null, it is.
        """
        if columns.keys() != self.columns.keys():
            raise ValueError(f"{self.name}: columns differ: {sorted(columns.keys() ^ self.columns.keys())}")
        frame = pl.DataFrame(
            [pl.Series(name, columns[name], dtype=column.type.polars) for name, column in self.columns.items()]
        )
        texts = [name for name, column in self.columns.items() if column.type is Type.STRING and not column.required]
        frame = frame.with_columns(pl.when(pl.col(*texts) != "").then(pl.col(*texts))) if texts else frame
        for name, column in self.columns.items():
            if column.required and frame[name].null_count():
                raise ValueError(f"{self.name}.{name} is null in {frame[name].null_count()} rows")
        return frame

    def days_replaced(self, days: Iterable[date], rows: pl.DataFrame) -> list[date]:
        """The days, in order, each once; `ValueError` if the table has none, or if rows of others came with them."""
        wanted = sorted(set(days))
        if self.date_column is None:
            raise ValueError(f"{self.name} has no days")
        if strangers := set(rows[self.date_column].to_list()) - set(wanted):
            raise ValueError(f"{self.name}: rows of {sorted(strangers)} came with {[str(d) for d in wanted]}")
        return wanted

    def metadata(self) -> dict[str, Any]:
        """What the Dagster UI shows of the table before it was ever filled."""
        constraints = {True: dg.TableColumnConstraints(nullable=False), False: None}
        return {
            "dagster/table_name": self.address,
            "dagster/column_schema": dg.TableSchema(
                [
                    dg.TableColumn(name, c.type.googlesql, c.description, constraints[c.required])
                    for name, c in self.columns.items()
                ]
            ),
        }


def raw_table(pull: str, *, account_before: str = DEFAULT_ACCOUNT) -> Table:
    """The ledger of one pull: the provider's records, verbatim. `account_before` is the account that releases without
    accounts asked.
    """
    return Table(
        name=pull,
        schema=RAW,
        grain="one record as the provider sent it; it counts only if its pull is in ai_usage_raw.pulls",
        question="What exactly did the provider send?",
        example=f"select pull_id, activity_date, record from {RAW}.{pull} order by pull_id desc limit 20",
        columns={
            "pull_id": string("the pull that first brought this record", required=True),
            "account": account(before=account_before),
            "activity_date": day("the UTC day the record belongs to; null in a snapshot", required=False),
            "position": integer("its place in the provider's answer, from 0"),
            "record": Column(Type.STRING, "the provider's own JSON text", required=True, is_bulky=True),
        },
    )


PULLS = Table(
    name="pulls",
    schema=RAW,
    grain="one pull of one account's day, or of one snapshot: the commit that makes its records count",
    question="What was asked of which provider, when, and how many records came?",
    example="select source, account, pull, activity_date, pulled_at, records from ai_usage_raw.pulls order by "
    "pulled_at desc limit 20",
    columns={
        "pull_id": string("later pulls sort after earlier ones", required=True),
        "source": string("the provider that was asked", required=True),
        "account": account("the account at that provider"),
        "pull": string("the raw table", required=True),
        "activity_date": day("the UTC day asked about; null for a snapshot", required=False),
        "pulled_at": instant(
            "when the answer was asked for; orders the versions, so it is never before that of an earlier version",
            required=True,
        ),
        "pages": integer("requests the whole answer took, which may cover other days too"),
        "records": integer("records of this day; 0 is an empty day, not a missing one"),
        "content_hash": string("SHA-256 over the records, whatever their order", required=True),
        "records_pull_id": string("the pull that has the records: this one, or an earlier equal pull", required=True),
        "request": string("the request as JSON, without secrets", required=True),
        "envelope": string("the rest of the answer without its records, as JSON", required=True),
        "is_simulated": boolean("whether the built-in, simulated providers answered", required=True),
        "asked_at": instant(
            "when the answer was asked for, where pulled_at is not: it follows a version of the same instant, or of "
            "the future, by a clock that was wrong"
        ),
    },
)
