"""Google's billing export as a table in BigQuery's emulator: BigQuery can run the query, and its answer has the table's
rows to the last digit.
"""

import json
import re
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery

from ai_usage.ingest.http.errors import NotFound
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.google.billed_services import Services
from ai_usage.providers.google.client import Addresses, GoogleCloud
from ai_usage.providers.google.cloud_connection import Connection
from ai_usage.providers.google.rows import cost_rows
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.providers.google.export_table import SCHEMA, SENT, literal
from ai_usage_tests.providers.google.pulled import records

DAYS = Span(date(2026, 10, 31), date(2026, 11, 1))
PAST = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\+00")


def column(name: str, kind: Any) -> bigquery.SchemaField:
    """A name with a star is a repeated column."""
    mode = "REPEATED" if name.endswith("*") else "NULLABLE"
    if isinstance(kind, str):
        return bigquery.SchemaField(name, kind, mode=mode)
    return bigquery.SchemaField(name.rstrip("*"), "RECORD", mode=mode, fields=[column(*of) for of in kind])


def made(running: Emulator, table: str, *, is_partitioned: bool) -> str:
    """Loads the samples into a table of a new project; returns its address."""
    client = running.client()
    address = f"{client.project}.billing.{table}"
    client.create_dataset("billing", exists_ok=True)
    declared = bigquery.Table(address, [column(*of) for of in SCHEMA])
    if is_partitioned:
        declared.time_partitioning = bigquery.TimePartitioning()
    client.create_table(declared)
    names = ", ".join(name.rstrip("*") for name, _ in SCHEMA)
    for sent in SENT:
        values = ", ".join(literal(kind, sent.get(name.rstrip("*"))) for name, kind in SCHEMA)
        client.query_and_wait(f"insert into `{address}` ({names}) values ({values})")
    return address


@pytest.fixture(scope="module")
def export(running: Emulator) -> str:
    return made(running, "gcp_billing_export_v1_A", is_partitioned=True)


def cloud(running: Emulator, table: str) -> GoogleCloud:
    patience = Patience(attempts=1)
    return GoogleCloud(
        table=table, addresses=Addresses(bigquery=running.host), connection=Connection(patience=patience)
    )


def rows_of(running: Emulator, table: str, span: Span = DAYS) -> dict[date | None, list[dict[str, Any]]]:
    with closing(cloud(running, table)) as account:
        answers = account.billing(span)
    return {one.day: [json.loads(text, parse_float=Decimal) for text in one.records] for one in answers}


def amounts(rows: list[dict[str, Any]]) -> list[tuple[str, Decimal, list[Decimal]]]:
    """Currency, cost and credits of each row. The emulator writes numbers as texts, BigQuery as numbers."""
    return sorted(
        (row["currency"], Decimal(row["cost"]), [Decimal(part["amount"]) for part in row["credits"]]) for row in rows
    )


def sent_on(day: date) -> list[dict[str, Any]]:
    of_day = [row for row in SENT if row["usage_start_time"].startswith(day.isoformat())]
    return [json.loads(json.dumps(row), parse_float=Decimal) for row in of_day]


def test_each_row_of_the_asked_days_comes_to_the_last_digit(running: Emulator, export: str) -> None:
    found = rows_of(running, export)
    assert found.keys() == set(DAYS.days)
    for day in DAYS.days:
        assert amounts(found[day]) == amounts(sent_on(day))
        assert len(found[day]) > 0
    assert rows_of(running, export, Span(DAYS.first, DAYS.first)).keys() == {DAYS.first}


def test_a_row_has_the_columns_that_are_read_and_no_other(running: Emulator, export: str) -> None:
    [row] = rows_of(running, export)[DAYS.first]
    [sent] = sent_on(DAYS.first)
    unread = {"location", "system_labels"}
    assert row.keys() == sent.keys() - unread
    assert row["project"].keys() == {"id", "number", "name", "labels"}
    assert (row["sku"], row["usage"]["unit"], row["subscription"]) == (sent["sku"], "count", None)


def test_other_services_stay_where_they_are_and_taxes_come(running: Emulator) -> None:
    table = made(running, "with_others", is_partitioned=True)
    client = running.client(table.partition(".")[0])
    client.query_and_wait(f"update `{table}` set service = struct('6F81' as id, 'Compute' as description) "
                          "where cost_type = 'regular' and currency = 'EUR'")  # fmt: skip
    kinds = [row["cost_type"] for row in rows_of(running, table)[DAYS.last] if row["currency"] == "EUR"]
    assert kinds == ["tax"]


def test_a_copy_without_partitions_answers_the_same(running: Emulator, export: str) -> None:
    copy = made(running, "a_copy", is_partitioned=False)
    assert rows_of(running, copy).keys() == rows_of(running, export).keys()
    assert amounts(rows_of(running, copy)[DAYS.last]) == amounts(rows_of(running, export)[DAYS.last])


def test_rows_become_core_as_bigquery_wrote_them(running: Emulator, export: str) -> None:
    with closing(cloud(running, export)) as account:
        answers = account.billing(DAYS)
    # The emulator writes an instant as DuckDB does, BigQuery with a T and a Z.
    days = {one.day: [PAST.sub(r"\1T\2Z", text.decode()) for text in one.records] for one in answers if one.day}
    given = records(days)
    rows = cost_rows(given, Services.default())
    assert not given.rejections
    euros = rows.filter(rows["billed_currency"] == "EUR")["billed_amount"]
    assert sum(euros, Decimal(0)) == Decimal("0.17664") + Decimal("0.094208") - Decimal("0.046") + Decimal("0.05")


def test_an_export_that_does_not_exist_yet_is_named(running: Emulator, export: str) -> None:
    with pytest.raises(NotFound, match="Cloud Billing creates the table some hours after"):
        rows_of(running, f"{export}_later")


def test_a_job_says_what_it_read(running: Emulator, export: str) -> None:
    with closing(cloud(running, export)) as account:
        answers = account.billing(DAYS)
    envelopes = [answer.envelope for answer in answers]
    assert {envelope["job_id"] for envelope in envelopes} == {envelopes[0]["job_id"]}
    assert all(envelope["columns_not_read"] == ["location"] for envelope in envelopes)
    assert [envelope["bytes_processed"] for envelope in envelopes] == [0, 0]  # the emulator counts no bytes
