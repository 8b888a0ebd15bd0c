"""The Cloud Billing export in BigQuery: one parameterized query for some days, by Google's own client.

Source: Google's description of the standard and the detailed table. Both belong to Google and are append-only: a
correction is a new row, with a later `export_time` and the old time of use. Each row is asked for as BigQuery's own
JSON text of it, so no amount is ever read as a float. The table is asked about first: where it is not there yet, which
columns it has, how it is partitioned, and when it began, before which nothing is known.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from ai_usage.ingest.days import Answers, LeftOut
from ai_usage.ingest.http.bodies import Room, TooMuch, are_too_deep
from ai_usage.ingest.http.client import Client
from ai_usage.ingest.http.errors import IncompleteAnswer, TooLarge, UnexpectedAnswer
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.google.bigquery_errors import tried
from ai_usage.providers.google.billed_services import Services
from ai_usage.providers.google.cloud_connection import Connection, is_stand_in
from ai_usage.providers.google.endpoints import SOURCE
from ai_usage.sheet.wire import session_over
from ai_usage.warehouse.ledger import Answer

PAGE = 5_000  # rows of one request
TIMEOUT = 60.0  # seconds of one request
ANSWER_SECONDS = 600.0  # until the query has to be done
LABELS = {"ai_usage_pull": "gemini_billing"}
PROJECT_FIELDS = ("id", "number", "name", "labels")  # the others are long, and name its folders
REQUIRED = ("service", "sku", "usage_start_time", "project", "cost", "currency", "credits", "cost_type")
COLUMNS = (  # that are read; a table has those of its age
    *("billing_account_id", "service", "sku", "usage_start_time", "usage_end_time", "project", "labels", "tags"),
    *("cost", "currency", "currency_conversion_rate", "usage", "credits", "invoice", "cost_type", "adjustment_info"),
    *("export_time", "cost_at_list", "transaction_type", "seller_name", "subscription"),
)

ROWS = """
select
    date(usage_start_time) as activity_date,
    to_json_string(struct({columns})) as record
from `{table}` as exported
where
    usage_start_time >= @from
    and usage_start_time < @to
    and {partitions}
    and (
        service.id in unnest(@services)
        or regexp_contains(lower(service.description), @words)
        or cost_type = 'tax'
    )
"""
# Rows of a day lie in its own partition or in later ones, without a limit; a day earlier for the zone that Google
# partitions by. A view or a copy has no partitions of the time of export, and is bounded by that time itself.
BY_PARTITION = "date(_PARTITIONTIME) >= date_sub(date(@from), interval 1 day)"
BY_EXPORT_TIME = "export_time >= timestamp_sub(@from, interval 1 day)"


@dataclass
class BillingExport:
    """One export table. `billed` has the bytes that the last query was billed for."""

    table: str
    client: bigquery.Client
    http: Client
    connection: Connection
    services: Services
    max_bytes_billed: int
    now: Callable[[], datetime]
    is_simulated: bool = False
    _described: bigquery.Table | None = field(default=None, init=False, repr=False)

    @classmethod
    def open(
        cls,
        *,
        table: str,
        base_url: str,
        connection: Connection,
        services: Services,
        max_bytes_billed: int,
        now: Callable[[], datetime],
        is_simulated: bool = False,
    ) -> "BillingExport":
        """A client for the table, through the same limits as every provider's."""
        http = connection.http(base_url)
        credentials = None if is_stand_in(base_url) else connection.credentials()
        client = bigquery.Client(
            project=table.partition(".")[0],
            credentials=credentials or AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=base_url),
            _http=session_over(http, credentials),
        )
        return cls(table, client, http, connection, services, max_bytes_billed, now, is_simulated)

    def describe(self) -> bigquery.Table:
        """The table's description, asked once; `UnexpectedAnswer` if it is no billing export."""
        if self._described is None:
            found: bigquery.Table = self._tried(
                lambda: self.client.get_table(self.table, retry=None, timeout=TIMEOUT)  # type: ignore[arg-type]
            )
            names = {column.name for column in found.schema}
            if lacking := [name for name in REQUIRED if name not in names]:
                raise UnexpectedAnswer(
                    f"{self.table} is no Cloud Billing export: it has no column {lacking[0]}. GEMINI_BILLING_TABLE is "
                    "the standard table gcp_billing_export_v1_…, or the detailed one gcp_billing_export_resource_v1_…."
                )
            self._described = found
        return self._described

    def rows(self, span: Span) -> Answers:
        """The rows of each day of use, one answer a day. A day before the export began, and without rows of it, is not
        known.
        """
        described = self.describe()
        query, parameters = self.question(described, span)
        job, found = self._tried(lambda: self._asked(query, parameters, described.location))
        parted: dict[date, list[bytes]] = {day: [] for day in span.days}
        for day, record in found:
            if day not in parted:
                raise IncompleteAnswer(f"{self.table} of {span} answered with a row of {day}: nothing of it is kept.")
            parted[day].append(record)
        began = described.created.date() if described.created else span.first
        known = [day for day, records in parted.items() if records or day >= began]
        request = {
            "table": self.table,
            "from": span.first.isoformat(),
            "to": (span.last + ONE_DAY).isoformat(),
            "services": list(self.services.ids),
            "words": self.services.words,
        }
        envelope = {
            "job_id": job.job_id,
            "bytes_billed": job.total_bytes_billed,
            "bytes_processed": job.total_bytes_processed,
            "columns_not_read": sorted(column.name for column in described.schema if column.name not in COLUMNS),
        }
        return Answers(
            (Answer(SOURCE, day, parted[day], 1, request, envelope, self.is_simulated) for day in known),
            [LeftOut(day, f"the export began on {began}") for day in span.days if day not in known],
        )

    def question(self, described: bigquery.Table, span: Span) -> tuple[str, list[Any]]:
        """The query for the rows of some days, and its parameters."""
        there = {column.name for column in described.schema}
        by_partition = described.time_partitioning is not None and described.time_partitioning.field is None
        query = ROWS.format(
            columns=", ".join(_column(name) for name in COLUMNS if name in there),
            table=self.table,
            partitions=BY_PARTITION if by_partition or "export_time" not in there else BY_EXPORT_TIME,
        )
        return query, [
            bigquery.ScalarQueryParameter("from", "TIMESTAMP", _instant(span.first)),
            bigquery.ScalarQueryParameter("to", "TIMESTAMP", _instant(span.last + ONE_DAY)),
            bigquery.ArrayQueryParameter("services", "STRING", list(self.services.ids)),
            bigquery.ScalarQueryParameter("words", "STRING", self.services.words),
        ]

    def _asked(
        self, query: str, parameters: Sequence[Any], location: str | None
    ) -> tuple[bigquery.QueryJob, list[tuple[date, bytes]]]:
        config = bigquery.QueryJobConfig(
            query_parameters=list(parameters), maximum_bytes_billed=self.max_bytes_billed, labels=LABELS
        )
        once: Any = None  # in place of the client's own attempts: `_tried` repeats
        job = self.client.query(
            query, job_config=config, location=location, retry=once, job_retry=once, timeout=TIMEOUT
        )
        rows = job.result(page_size=PAGE, retry=once, job_retry=once, timeout=ANSWER_SECONDS)
        found = list(self._taken(rows))
        if len(found) != rows.total_rows:
            raise IncompleteAnswer(
                f"{self.table}: {len(found)} of {rows.total_rows} rows came: nothing of this answer is kept."
            )
        return job, found

    def _taken(self, rows: Any) -> Iterator[tuple[date, bytes]]:
        """Each row's day and text, as long as all together are not more than is taken of an answer."""
        room = Room(self.http.limits)
        for page in rows.pages:
            records = [(day, text.encode()) for day, text in page]
            if are_too_deep([text for _, text in records], self.http.limits.depth):
                raise UnexpectedAnswer(
                    f"{self.table}: a row is nested deeper than {self.http.limits.depth} levels (AI_USAGE_JSON_DEPTH)."
                )
            try:
                room.take(sum(len(text) for _, text in records), len(records), 0)
            except TooMuch as error:
                raise TooLarge(f"{self.table}: the answer {error}: nothing of this answer is kept.") from None
            yield from records

    def _tried(self, ask: Callable[[], Any]) -> Any:
        return tried(ask, self.http, self.connection.patience)


def _column(name: str) -> str:
    if name != "project":
        return name
    return f"struct({', '.join(f'project.{part} as {part}' for part in PROJECT_FIELDS)}) as project"


def _instant(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
