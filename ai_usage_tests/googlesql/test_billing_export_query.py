"""The query for the billing export in Google's own evaluator, over the contract's samples: it is GoogleSQL, it limits
days and partitions, and its JSON has the form that the records expect.
"""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from google.cloud import bigquery

from ai_usage.ingest.drift import drift
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.google.billed_services import Services
from ai_usage.providers.google.billing_export import BY_EXPORT_TIME, BY_PARTITION, COLUMNS, BillingExport
from ai_usage.providers.google.records import ExportRow
from ai_usage.providers.google.rows import cost_rows
from ai_usage_tests.googlesql.engine import GoogleEngine, Parameter
from ai_usage_tests.mock_google import TABLE, MockGoogle
from ai_usage_tests.providers.google.export_table import SCHEMA, SENT, as_query, plain
from ai_usage_tests.providers.google.pulled import records

DAYS = Span(date(2026, 10, 31), date(2026, 11, 1))
SERVICES = Services.default()
Answer = dict[date, list[str]]


def described(*, is_partitioned: bool) -> bigquery.Table:
    table = bigquery.Table(TABLE, [bigquery.SchemaField(plain(name), "STRING") for name, _ in SCHEMA])
    if is_partitioned:
        table.time_partitioning = bigquery.TimePartitioning()
    return table


def asked(
    google: GoogleEngine, span: Span = DAYS, sent: list[dict[str, Any]] = SENT, *, is_partitioned: bool = True
) -> Answer:
    """The evaluator's answer to the query, with the samples in place of the table."""
    export: BillingExport = MockGoogle().cloud().export
    text, _ = export.question(described(is_partitioned=is_partitioned), span)
    samples = " union all ".join(map(as_query, sent))
    parameters = {
        "from": Parameter("TIMESTAMP", at(span.first)),
        "to": Parameter("TIMESTAMP", at(span.last + ONE_DAY)),
        "services": Parameter("ARRAY<STRING>", list(SERVICES.ids)),
        "words": Parameter("STRING", SERVICES.words),
    }
    google.declare("export", [], {})
    found = google.evaluate("export", text.replace(f"`{TABLE}`", f"({samples})"), parameters)
    days: Answer = {}
    for day, record in found.rows:
        days.setdefault(day, []).append(record)
    return days


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def test_google_answers_each_sample_as_json_that_is_read_to_the_last_digit(google: GoogleEngine) -> None:
    days = asked(google)
    assert sum(map(len, days.values())) == len(SENT)
    given = records(days)
    rows = cost_rows(given, SERVICES)
    assert not given.rejections
    for currency in ("USD", "EUR"):
        exact = sum(
            (
                Decimal(repr(amount))
                for one in SENT
                if one["currency"] == currency
                for amount in (one["cost"], *(part["amount"] for part in one["credits"]))
            ),
            Decimal(0),
        )
        assert sum(rows.filter(rows["billed_currency"] == currency)["billed_amount"], Decimal(0)) == exact
    assert all(drift([text], ExportRow) == {} for texts in days.values() for text in texts)
    [first] = [json.loads(text) for text in days[DAYS.first]]
    assert first.keys() == set(COLUMNS)
    assert (first["usage_start_time"], first["cost"]) == ("2026-10-31T23:00:00Z", 0.0011)


def test_only_the_asked_days_of_use_come(google: GoogleEngine) -> None:
    assert asked(google, Span(DAYS.first, DAYS.first)).keys() == {DAYS.first}
    assert asked(google, Span(date(2026, 11, 2), date(2026, 11, 30))) == {}


@pytest.mark.parametrize("kind", ["Google's own table", "a copy"])
def test_partitions_before_the_first_day_are_not_read_and_late_rows_are(google: GoogleEngine, kind: str) -> None:
    early, late = ({**SENT[0], "export_time": at} for at in ("2026-10-29T10:00:00Z", "2026-12-24T10:00:00Z"))
    found = asked(google, DAYS, [early, late], is_partitioned=kind != "a copy")
    assert [json.loads(text)["export_time"] for texts in found.values() for text in texts] == ["2026-12-24T10:00:00Z"]


def test_services_are_found_by_id_or_name_and_taxes_always(google: GoogleEngine) -> None:
    def of(service_id: str, name: str, cost_type: str = "regular") -> dict[str, Any]:
        return {**SENT[0], "service": {"id": service_id, "description": name}, "cost_type": cost_type}

    compute = of("6F81-5844-456A", "Compute Engine")
    wanted = [of("AEFD-7695-64FA", "?"), of("NEW", "Gemini Something"), of("NEW", "Agentic Applications")]
    tax = of("6F81-5844-456A", "Compute Engine", "tax")
    found = asked(google, DAYS, [compute, *wanted, tax])
    assert [json.loads(text)["service"]["description"] for texts in found.values() for text in texts] == [
        "?",
        "Gemini Something",
        "Agentic Applications",
        "Compute Engine",
    ]


def test_the_two_bounds_are_the_ones_that_are_written() -> None:
    export: BillingExport = MockGoogle().cloud().export
    for is_partitioned, bound in ((True, BY_PARTITION), (False, BY_EXPORT_TIME)):
        text, parameters = export.question(described(is_partitioned=is_partitioned), DAYS)
        assert bound in text
        assert {one.name for one in parameters} == {"from", "to", "services", "words"}
