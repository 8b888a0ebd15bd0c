"""The simulated Google Cloud as clients see it: BigQuery through Google's own library, the rest per the contract."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import httpx
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from ai_usage.simulator import GoogleOffer, Simulator

PATIENCE = 60
BRIEFLY = DEFAULT_RETRY.with_timeout(10)  # seconds for a failing stand-in: the library's default is 600
OUTPUT = "generativelanguage.googleapis.com/generate_content_usage_output_token_count"
REQUESTS = "serviceruntime.googleapis.com/api/request_count"
LOG = (
    'resource.type="cloudaicompanion.googleapis.com/Instance" AND labels.product="code_assist" '
    'AND logName:"cloudaicompanion.googleapis.com%2Fmetadata" AND timestamp>="{first}" AND timestamp<"{last}"'
)
ROWS = """
SELECT DATE(usage_start_time) AS day, TO_JSON_STRING(t) AS record FROM `{table}` AS t
WHERE usage_start_time >= @from AND usage_start_time < @to
  AND DATE(_PARTITIONTIME) >= DATE_SUB(DATE(@from), INTERVAL 1 DAY)
"""


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class GoogleClient:
    simulator: Simulator
    http: httpx.Client

    def library(self, project: str = "simulated-billing") -> bigquery.Client:
        return bigquery.Client(
            project=project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=self.simulator.cloud_urls["bigquery"]),
        )

    def query(self, sql: str, first: date, days: int = 1, **options: Any) -> bigquery.QueryJob:
        """A job with the contract's parameters, before it is done."""
        parameters = [
            bigquery.ScalarQueryParameter("from", "TIMESTAMP", midnight(first)),
            bigquery.ScalarQueryParameter("to", "TIMESTAMP", midnight(first + timedelta(days=days))),
            bigquery.ArrayQueryParameter("services", "STRING", ["AEFD-7695-64FA", "C7E2-9256-1C43"]),
        ]
        config = bigquery.QueryJobConfig(query_parameters=parameters, **options)
        return self.library().query(sql, job_config=config, retry=BRIEFLY)

    def rows(self, first: date, days: int = 1, table: str | None = None) -> list[dict[str, Any]]:
        """The export's rows of some days; amounts as Decimal."""
        sql = ROWS.format(table=table or self.simulator.google_company.table)
        found = self.query(sql, first, days).result(page_size=100)
        return [json.loads(row["record"], parse_float=Decimal) for row in found]

    def series(self, metric: str, project: str, first: date, days: int = 1, **query: Any) -> httpx.Response:
        asked = {
            "interval.startTime": text(midnight(first)),
            "interval.endTime": text(midnight(first + timedelta(days=days))),
            "aggregation.alignmentPeriod": "86400s",
            "aggregation.perSeriesAligner": "ALIGN_SUM",
            "view": "FULL",
            "filter": f'metric.type="{metric}"',
        }
        url = f"{self.simulator.cloud_urls['monitoring']}/v3/projects/{project}/timeSeries"
        sent = asked | {name.replace("_", "."): value for name, value in query.items()}
        return self.http.get(url, params={name: value for name, value in sent.items() if value is not None})

    def log(self, first: date, days: int = 1, **body: Any) -> httpx.Response:
        window = {"first": text(midnight(first)), "last": text(midnight(first + timedelta(days=days)))}
        asked = {
            "resourceNames": ["projects/simulated-assistants"],
            "filter": LOG.format(**window),
            "orderBy": "timestamp asc",
            "pageSize": 1000,
        }
        url = f"{self.simulator.cloud_urls['logging']}/v2/entries:list"
        return self.http.post(url, json=asked | body)

    def entries(self, first: date, days: int = 1, **body: Any) -> Iterator[list[dict[str, Any]]]:
        """Pages of entries."""
        token: dict[str, Any] = {}
        while True:
            page = read(self.log(first, days, **body, **token))
            yield page.get("entries", [])
            if "nextPageToken" not in page:
                return
            token = {"pageToken": page["nextPageToken"]}

    def licenses(self, path: str, account: str | None = None, **query: Any) -> httpx.Response:
        named = account or self.simulator.google_company.billing_account_id
        url = f"{self.simulator.cloud_urls['procurement']}/v1/billingAccounts/{named}/{path}"
        return self.http.get(url, params=query)


@contextmanager
def offered(now: datetime, offer: GoogleOffer | None = None, **options: Any) -> Iterator[GoogleClient]:
    """A separate simulator with this Google offer."""
    with Simulator(now=now, google=offer, **options) as simulator, httpx.Client(timeout=PATIENCE) as http:
        yield GoogleClient(simulator, http)


def read(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """The status, also that in the body, and Google's name for it."""
    error = answer.json()["error"]
    assert error["code"] == answer.status_code
    assert error["message"]
    return answer.status_code, error["status"]
