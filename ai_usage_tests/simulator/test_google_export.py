"""Google's own BigQuery client reads the simulated billing export. The simulator refuses what BigQuery refuses."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from ai_usage.simulator import GOOGLE_TOKEN, GoogleOffer, google_bigquery
from ai_usage.simulator.google_uses import BillRow
from ai_usage_tests.simulator.conftest import NOW, Clock
from ai_usage_tests.simulator.google_client import BRIEFLY, ROWS, GoogleClient, midnight, offered, refusal

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gemini"
DAY = date(2026, 11, 16)
MONTH = date(2026, 10, 1)
BOUNDED = "SELECT {columns} FROM `{table}` WHERE DATE(_PARTITIONTIME) {bound}"


def amounts(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """The columns that identify a row of the bill, as sent."""
    return Counter(
        (
            row["usage_start_time"],
            row["project"] and row["project"]["id"],
            row["sku"]["description"],
            Decimal(row["cost"]),
            tuple(Decimal(credit["amount"]) for credit in row["credits"]),
            row["cost_type"],
            row["export_time"],
        )
        for row in rows
    )


def truth(rows: tuple[BillRow, ...]) -> Counter[tuple[Any, ...]]:
    return Counter(
        (
            row.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            row.project_id,
            row.sku,
            row.usd,
            tuple(credit.usd for credit in row.credits),
            row.cost_type,
            row.exported_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        for row in rows
    )


def days(first: date, n: int) -> list[date]:
    return [first + timedelta(days=i) for i in range(n)]


def bounded(google: GoogleClient, bound: str, columns: str = "cost") -> str:
    return BOUNDED.format(columns=columns, table=google.simulator.google_company.table, bound=bound)


def test_a_month_is_every_row_of_the_truth_in_pages(google: GoogleClient) -> None:
    rows = google.rows(MONTH, 31)
    assert amounts(rows) == sum((truth(google.simulator.google_day(day).rows) for day in days(MONTH, 31)), Counter())
    assert {len(str(row["cost"]).partition(".")[2]) <= 9 for row in rows} == {True}
    pages = [r for r in google.simulator.requests if "pageToken" in r.query]
    assert len(pages) == len(rows) // 100


@pytest.mark.parametrize("polls", [0, 2])
def test_both_ways_to_ask_answer_alike_however_long_the_job_runs(polls: int) -> None:
    with offered(NOW, GoogleOffer(polls=polls, rows_a_page=20)) as google:
        sql = ROWS.format(table=google.simulator.google_company.table)
        job = google.query(sql, DAY, 2)
        inserted = [tuple(row) for row in job.result()]
        config = bigquery.QueryJobConfig(query_parameters=job.query_parameters)
        waited = [tuple(row) for row in google.library().query_and_wait(sql, job_config=config)]
        assert len(inserted) > 40
        assert waited == inserted


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("table", "billing_export_rows"),
        ("detailed_table", "billing_export_detailed_rows"),
        ("copy", "billing_export_rows"),
    ],
)
def test_tables_have_the_columns_of_the_samples(google: GoogleClient, name: str, sample: str) -> None:
    def named(fields: Any) -> dict[str, Any]:
        return {field.name: named(field.fields) for field in fields}

    def sampled(records: list[Any]) -> dict[str, Any]:
        """The fields of records, also of records in lists."""
        found: dict[str, Any] = {}
        for record in records:
            for field, value in (record or {}).items():
                inner = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
                found[field] = sampled(inner) | found.get(field, {})
        return found

    table = google.library().get_table(getattr(google.simulator.google_company, name))
    columns, known = named(table.schema), sampled(json.loads((FIXTURES / f"{sample}.json").read_text()))
    assert columns.keys() == known.keys()
    for column, fields in known.items():
        assert fields.keys() <= columns[column].keys(), column
    assert (table.time_partitioning is None) == (name == "copy")
    assert table.created == midnight(date(2025, 9, 1)) + timedelta(hours=9)


def test_columns_come_as_their_types(google: GoogleClient) -> None:
    [row, *_] = google.query(bounded(google, "= DATE(@from)", "*"), DAY).result()
    [described] = [
        one
        for one in google.rows(row["usage_start_time"].date())
        if (one["sku"], one["project"], one["labels"]) == (row["sku"], row["project"], row["labels"])
        and datetime.fromisoformat(one["usage_start_time"]) == row["usage_start_time"]
    ]
    assert row["export_time"] == datetime.fromisoformat(described["export_time"])
    assert Decimal(repr(row["cost"])) == described["cost"]
    assert row["project"]["ancestors"] == described["project"]["ancestors"]
    assert row["adjustment_info"] is None
    assert row["currency"] == "USD"


def test_expressions_of_bigquery_are_computed(google: GoogleClient) -> None:
    net = "SUM(cost + IFNULL((SELECT SUM(c.amount) FROM UNNEST(credits) AS c), 0)) AS net, COUNT(*) AS n"
    kept = "(service.id IN UNNEST(@services) OR REGEXP_CONTAINS(LOWER(service.description), r'gemini'))"
    of_day = "DATE(usage_start_time) = DATE(@from) AND cost_type != 'tax'"
    sql = bounded(google, f">= DATE(@from) AND {of_day} AND {kept}", net)
    [row] = google.query(sql, DAY).result()
    found = [one for one in google.simulator.google_day(DAY).rows if one.service.description != "Compute Engine"]
    assert row["n"] == len(found)
    assert row["net"] == pytest.approx(float(sum(one.net_usd for one in found)))


@pytest.mark.parametrize(
    ("sql", "error", "words"),
    [
        ("SELECT * FROM `{table}`", exceptions.BadRequest, "without a filter"),
        ("SELECT * FROM `{table}` WHERE usage_start_time >= @from", exceptions.BadRequest, "without a filter"),
        ("SELECT * FROM `{table}` WHERE _PARTITIONTIME > usage_start_time", exceptions.BadRequest, "without a filter"),
        ("SELECT * FROM `{copy}` WHERE _PARTITIONTIME >= @from", exceptions.BadRequest, "Unrecognized name"),
        ("SELECT * FROM `{copy}` WHERE usage_start_time >= @from", exceptions.BadRequest, "without a filter"),
        ("SELECT nothing FROM `{table}` WHERE _PARTITIONTIME >= @from", exceptions.BadRequest, "nothing"),
        ("SELECT * FROM `{table}` WHERE _PARTITIONTIME >= @until", exceptions.BadRequest, "until"),
        ("SELECT FROM WHERE", exceptions.BadRequest, "Syntax error"),
        ("DELETE FROM `{table}` WHERE TRUE", exceptions.Forbidden, "Access Denied"),
        ("SELECT * FROM `{table}_x` WHERE _PARTITIONTIME >= @from", exceptions.NotFound, "Not found: Table"),
    ],
)
def test_a_query_may_be_refused(google: GoogleClient, sql: str, error: type[Exception], words: str) -> None:
    company = google.simulator.google_company
    with pytest.raises(error, match=words):
        google.query(sql.format(table=company.table, copy=company.copy), DAY).result()


def test_legacy_sql_another_project_and_a_wrong_token_are_refused(google: GoogleClient) -> None:
    with pytest.raises(exceptions.BadRequest, match="useLegacySql"):
        google.library().query("SELECT 1", job_config=bigquery.QueryJobConfig(use_legacy_sql=True)).result()
    with pytest.raises(exceptions.Forbidden, match="Access Denied"):
        google.library("simulated-data").query("SELECT 1").result()
    url = f"{google.simulator.cloud_urls['bigquery']}/bigquery/v2/projects/simulated-billing/datasets/billing_export"
    assert google.http.get(url, headers={"authorization": f"Bearer {GOOGLE_TOKEN}"}).status_code == 200
    assert refusal(google.http.get(url, headers={"authorization": "Bearer ya29.other"}))[0] == 401


def test_a_copy_is_bounded_by_the_time_of_export(google: GoogleClient) -> None:
    company = google.simulator.google_company
    sql = f"SELECT export_time FROM `{company.copy}` WHERE export_time >= TIMESTAMP_SUB(@to, INTERVAL 1 HOUR)"
    found = [row["export_time"] for row in google.query(sql, DAY).result()]
    assert min(found) >= midnight(DAY) + timedelta(hours=23)
    assert max(found) <= NOW


def test_bytes_are_those_of_the_partitions_and_columns_that_are_read(google: GoogleClient) -> None:
    def processed(bound: str, columns: str) -> int:
        job = google.query(bounded(google, bound, columns), DAY)
        job.result()
        assert job.total_bytes_billed == 10 * 2**20
        return int(job.total_bytes_processed or 0)

    window = [google.simulator.google_day(day) for day in days(DAY - timedelta(days=45), 50)]
    exported = Counter(row.exported_at.date() for day in window for row in day.rows)
    one_day = processed("= DATE(@from)", "cost")
    assert one_day == 8 * exported[DAY]
    assert processed(">= DATE(@from)", "cost") == 8 * sum(n for day, n in exported.items() if day >= DAY)
    assert processed("= DATE(@from)", "usage_start_time, cost") == 16 * exported[DAY]
    assert processed("= DATE(@from)", "*") > 40 * one_day


def test_a_cap_refuses_and_a_dry_run_costs_nothing(google: GoogleClient) -> None:
    sql = bounded(google, ">= DATE(@from)")
    for most in (10 * 2**20 - 1, 10 * 2**20):
        job = google.query(sql, DAY, maximum_bytes_billed=most)
        if most < 10 * 2**20:
            with pytest.raises(exceptions.GoogleAPICallError, match="bytes billed"):
                job.result()
        else:
            assert job.result().total_rows
    dry = google.query(sql, DAY, dry_run=True)
    assert dry.total_bytes_processed
    assert dry.total_bytes_billed == 0


def test_a_parameter_may_be_unused(google: GoogleClient) -> None:
    """Also one with a name that another parameter's name begins with."""
    bound = [bigquery.ScalarQueryParameter(name, "TIMESTAMP", midnight(DAY)) for name in ("from", "fro")]
    config = bigquery.QueryJobConfig(query_parameters=bound)
    job = google.library().query(bounded(google, "= DATE(@from)"), job_config=config, retry=BRIEFLY)
    assert job.result().total_rows


def test_only_the_latest_jobs_are_kept(google: GoogleClient, monkeypatch: pytest.MonkeyPatch) -> None:
    google.simulator._cloud.bigquery.jobs.clear()
    monkeypatch.setattr(google_bigquery, "KEPT_JOBS", 2)
    jobs = [str(google.query(bounded(google, "= DATE(@from)"), DAY).job_id) for _ in range(3)]
    assert google.library().get_job(jobs[1]).done()
    with pytest.raises(exceptions.NotFound, match="Not found: Job"):
        google.library().get_job(jobs[0], retry=BRIEFLY)


def test_there_is_no_table_before_the_export_begins() -> None:
    began = NOW - timedelta(hours=30)
    with offered(began - timedelta(minutes=1), GoogleOffer(export_since=began)) as google:
        with pytest.raises(exceptions.NotFound, match="Not found: Table"):
            google.rows(DAY)
        with pytest.raises(exceptions.NotFound, match="Not found: Table"):
            google.library().get_table(google.simulator.google_company.table)
    with offered(NOW, GoogleOffer(export_since=began)) as google:
        times = {row["export_time"] for row in google.rows(MONTH, 60)}
        assert min(times) >= began.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert google.library().get_table(google.simulator.google_company.table).created == began


def test_rows_come_late_and_a_correction_is_a_new_row(google: GoogleClient, running_clock: Clock) -> None:
    corrected = next(day for day in days(date(2026, 11, 1), 10) if day.toordinal() % 10 == 3)
    seen = []
    for hours in (12, 30, 60, 24 * 8):
        running_clock.at = midnight(corrected) + timedelta(hours=hours)
        seen.append(amounts(google.rows(corrected)))
    growth = [after - before for before, after in pairwise(seen)]
    assert all(before <= after for before, after in pairwise(seen))
    assert [sum(grown.values()) > 0 for grown in growth] == [True, True, True]
    assert {row[5] for row in growth[2]} == {"adjustment"}
    assert {row[3] < 0 for row in growth[2]} >= {True}


def test_a_month_ends_with_its_tax_after_the_month(google: GoogleClient, running_clock: Clock) -> None:
    def kinds() -> Counter[str]:
        return Counter(row["cost_type"] for row in google.rows(MONTH) if row["project"] is None)

    running_clock.at = datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert kinds() == {"regular": 1}
    running_clock.at = datetime(2026, 11, 5, tzinfo=UTC)
    assert kinds() == {"regular": 1, "tax": 1, "rounding_error": 1}
    assert {row["invoice"]["month"] for row in google.rows(MONTH) if row["project"] is None} == {"202610"}


def test_euros_divided_by_the_rate_are_the_dollars_of_the_truth() -> None:
    with offered(NOW, GoogleOffer(currency="EUR")) as google:
        rows = google.rows(MONTH, 31)
        known = [row for day in days(MONTH, 31) for row in google.simulator.google_day(day).rows]
        rates = {Decimal(row["currency_conversion_rate"]) for row in rows}
        assert {row["currency"] for row in rows} == {"EUR"}
        assert len(rates) == 1
        [rate] = rates
        assert rate != 1
        assert sum(Decimal(row["cost"]) for row in rows) == rate * sum(row.usd for row in known)
        credited = sum(Decimal(credit["amount"]) for row in rows for credit in row["credits"])
        assert credited == rate * sum(row.credits_usd for row in known) < 0


@pytest.fixture(autouse=True)
def _log_is_empty(google: GoogleClient) -> Iterator[None]:
    google.simulator.requests.clear()
    yield
    google.simulator.requests.clear()
