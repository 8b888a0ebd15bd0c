"""Runs BigQuery's jobs: queries and loads, each with a cap on bytes, labels and a bounded number of attempts."""

import io
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import stamina
from google.api_core.exceptions import Conflict
from google.cloud import bigquery

from ai_usage.warehouse.bigquery.errors import Unavailable, explained, is_transient, plain
from ai_usage.warehouse.present_step import present_step
from ai_usage.warehouse.table import Table, Type

T = TypeVar("T")
ASSET, LONGEST_LABEL, NO_LABEL = "ai_usage_asset", 63, re.compile(r"[^a-z0-9_-]")  # by Google's rules of labels
ONCE: Any = (
    None  # in place of the client's own attempts, which are neither bounded nor reported: `Jobs.request` repeats
)
ATTEMPTS, PATIENCE = 6, 120.0  # seconds of one request with all its attempts
PAGE = 2_500  # rows of one request
ANSWER_SECONDS = 600.0  # until a query has to be done
PYTHON_TYPES: Mapping[type, str] = {
    bool: "BOOL",
    int: "INT64",
    str: "STRING",
    datetime: "TIMESTAMP",
    date: "DATE",
    Decimal: "NUMERIC",
    float: "FLOAT64",
}
ARROW: Mapping[Type, Any] = {
    Type.STRING: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.INSTANT: pa.timestamp("us", tz="UTC"),
    Type.NUMERIC: pa.decimal128(38, 9),
}


@dataclass
class Jobs:
    """One project's jobs. `counts` has how many of each kind were run, for tests and benchmarks."""

    client: bigquery.Client
    max_bytes_billed: int
    labels: dict[str, str] = field(default_factory=dict)
    wait: float = 0.5  # seconds before the second attempt
    counts: Counter[str] = field(default_factory=Counter)

    def labels_now(self) -> dict[str, str]:
        """The run's label, and the present step's: `marts-ai_spend`, or `check-spend_has_no_anomaly`."""
        step = NO_LABEL.sub("_", present_step().replace("/", "-").lower())[:LONGEST_LABEL]
        return {**self.labels, ASSET: step} if step else self.labels

    def query(self, googlesql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Run one statement; the rows that it returns, if any. It may run twice if its answer is lost, so a statement
        that writes must come to the same when it is repeated.
        """
        self.counts["query"] += 1
        config = bigquery.QueryJobConfig(
            query_parameters=[parameter(name, value) for name, value in (parameters or {}).items()],
            maximum_bytes_billed=self.max_bytes_billed,
            labels=self.labels_now(),
        )

        def once() -> pa.Table:
            rows = self.client.query_and_wait(
                googlesql, job_config=config, retry=ONCE, job_retry=ONCE, wait_timeout=ANSWER_SECONDS
            )
            return rows.to_arrow(create_bqstorage_client=False)

        frame = pl.from_arrow(self.request(once))
        if not isinstance(frame, pl.DataFrame):
            raise TypeError("a query returned no table")
        return frame

    def rows(self, table: bigquery.Table, *, most: int) -> pl.DataFrame | None:
        """All rows of a table, without columns if there are none; None if there are more rows than that. It costs no
        job.
        """

        def once() -> pl.DataFrame | None:
            found = self.client.list_rows(table, page_size=min(PAGE, most), retry=ONCE)
            batches = []
            for batch in found.to_arrow_iterable():
                if (found.total_rows or 0) > most:
                    return None
                batches.append(batch)
            if not sum(batch.num_rows for batch in batches):
                return pl.DataFrame()
            return pl.DataFrame(pl.from_arrow(pa.Table.from_batches(batches)))

        return self.request(once)

    def load(self, table: Table, rows: pl.DataFrame, *, job_id: str, replaces: bool = False, into: str = "") -> None:
        """Append rows to a table, or replace its rows, at once. A job of this id that was accepted before, and the
        answer lost, is waited for instead of being run again.
        """
        self.counts["load"] += 1
        data = _parquet(table, rows)
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            schema=schema_of(table),
            write_disposition="WRITE_TRUNCATE" if replaces else "WRITE_APPEND",
            create_disposition="CREATE_IF_NEEDED" if into else "CREATE_NEVER",
            labels=self.labels_now(),
        )

        failed = 0

        def once() -> None:
            nonlocal failed
            job: Any
            name = f"{job_id}_again_{failed}" if failed else job_id
            try:
                job = self.client.load_table_from_file(
                    io.BytesIO(data),
                    f"{self.client.project}.{into or table.address}",
                    size=len(data),
                    job_id=name,
                    job_config=config,
                    num_retries=0,
                )
            except Conflict:
                job = self.client.get_job(name, retry=ONCE)
            try:
                job.result(retry=ONCE, timeout=ANSWER_SECONDS)
            finally:
                failed += bool(job.error_result)  # it wrote nothing, and its id can run no other job

        self.request(once)

    def request(self, call: Callable[[], T], *, known: type[Exception] = Unavailable) -> T:
        """What a call returns, after as many attempts as it takes; `WarehouseError` explains what a person can mend. An
        error that the caller knows what to do about is raised as it is.
        """
        try:
            for attempt in stamina.retry_context(
                on=Unavailable, attempts=ATTEMPTS, timeout=PATIENCE, wait_initial=self.wait, wait_max=16
            ):
                with attempt:
                    return _once(call)
        except (Unavailable, known):
            raise
        except Exception as error:
            if sentence := explained(error):
                raise sentence from error
            raise
        raise AssertionError("unreachable: retry_context returns or raises")


def _once(call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:
        if is_transient(error):
            raise Unavailable(
                f"BigQuery did not answer as it should: {plain(error)}. What was written before is kept."
            ) from error
        raise


def schema_of(table: Table) -> list[bigquery.SchemaField]:
    """The columns as BigQuery declares them. NUMERIC has 38 digits with 9 decimals there by itself."""
    return [
        bigquery.SchemaField(
            name,
            "NUMERIC" if column.type is Type.NUMERIC else column.type.googlesql,
            mode="REQUIRED" if column.required else "NULLABLE",
            description=column.description[:1024],
        )
        for name, column in table.columns.items()
    ]


def in_order(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with all of the table's columns, in its order and of its types; `ValueError` for a null where the table
    allows none.
    """
    ordered = rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(column.type.polars).alias(name)
        for name, column in table.columns.items()
    )
    for name, column in table.columns.items():
        if column.required and (nulls := ordered[name].null_count()):
            raise ValueError(f"{table.name}.{name} is null in {nulls} rows")
    return ordered


def _parquet(table: Table, rows: pl.DataFrame) -> bytes:
    """A file that promises no null where the table allows none: a load would otherwise ask to relax the column."""
    fields = [pa.field(name, ARROW[c.type], nullable=not c.required) for name, c in table.columns.items()]
    file = io.BytesIO()
    pq.write_table(in_order(table, rows).to_arrow().cast(pa.schema(fields)), file)
    return file.getvalue()


def parameter(name: str, value: Any) -> bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter:
    if isinstance(value, list | tuple | set | frozenset):
        values = list(value)
        return bigquery.ArrayQueryParameter(name, _type_of(values[0]) if values else "STRING", values)
    return bigquery.ScalarQueryParameter(name, _type_of(value), value)


def _type_of(value: Any) -> str:
    """GoogleSQL's type of a value; of a null, which has none, STRING."""
    return next((of for kind, of in PYTHON_TYPES.items() if isinstance(value, kind)), "STRING")
