"""A stand-in for BigQuery with one billing export, without a network. It answers Google's own client, and follows the
contract: rows by their time of use, a bound on the partitions, pages, numbers as text.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import httpx

from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.google.client import Addresses, GoogleCloud
from ai_usage.providers.google.cloud_connection import Connection

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLE = "example-project.billing.gcp_billing_export_v1_AAAAAA_BBBBBB_CCCCCC"
GEMINI = {"id": "AEFD-7695-64FA", "description": "Gemini API"}
VERTEX = {"id": "C7E2-9256-1C43", "description": "Vertex AI"}
SEATS = {"id": "719A-983F-202D", "description": "Gemini for Google Cloud"}
INPUT = "Generate content input token count gemini 2.5 flash short input text"
OUTPUT = "Generate content output token count gemini 2.5 flash text"
Row = dict[str, Any]
NESTED = ("project", "labels", "tags", "usage", "credits", "invoice", "adjustment_info", "subscription")
COLUMNS = ("service", "sku", "usage_start_time", "cost", "currency", "cost_type", "export_time", *NESTED)
OTHER_COLUMNS = ("billing_account_id", "usage_end_time", "currency_conversion_rate", "cost_at_list", "location")


def row(cost: object, day: date | str = "2026-11-10", sku: str = INPUT, **more: Any) -> Row:
    """One hour's row of the export, in USD unless another currency is given."""
    return {
        "billing_account_id": "AAAAAA-BBBBBB-CCCCCC",
        "service": GEMINI,
        "sku": {"id": f"SKU-{abs(hash(sku)) % 1000}", "description": sku},
        "usage_start_time": f"{day}T08:00:00Z",
        "usage_end_time": f"{day}T09:00:00Z",
        "project": {"id": "project-a", "number": "1", "name": "Project A", "labels": []},
        "labels": [],
        "tags": [],
        "cost": cost,
        "currency": "USD",
        "currency_conversion_rate": 1.0,
        "usage": {"amount": 1000.0, "unit": "count", "amount_in_pricing_units": 1.0, "pricing_unit": "count"},
        "credits": [],
        "invoice": {"month": str(day)[:7].replace("-", ""), "publisher_type": "GOOGLE"},
        "cost_type": "regular",
        "adjustment_info": None,
        "export_time": f"{day}T14:00:00Z",
        "cost_at_list": cost,
        "subscription": None,
        **more,
    }


def credit(amount: object, kind: str = "PROMOTION") -> Row:
    return {"name": kind.title(), "amount": amount, "type": kind, "id": "c", "full_name": ""}


def labels(**of: str) -> list[Row]:
    return [{"key": key, "value": value} for key, value in of.items()]


def refusal(status: int, message: str, reason: str) -> httpx.Response:
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return httpx.Response(status, json={"error": {"code": status, "message": message, "errors": errors}})


@dataclass
class MockGoogle:
    """`rows` is the whole table. `answers` maps the prefix of a path to another answer, each used once; `bend` changes
    the texts of the rows that a query finds.
    """

    rows: list[Row] = field(default_factory=list)
    created: date = date(2026, 10, 1)
    is_partitioned: bool = True
    columns: tuple[str, ...] = (*COLUMNS, *OTHER_COLUMNS)
    a_page: int = 1000
    answers: dict[str, list[httpx.Response]] = field(default_factory=dict)
    bend: Callable[[list[str]], list[str]] = list
    lost_rows: int = 0  # rows that the query found and no page has
    asked: list[httpx.Request] = field(default_factory=list)
    queries: list[Row] = field(default_factory=list)  # the configurations of the jobs

    def cloud(self, *, attempts: int = 1, limits: Limits | None = None, **more: Any) -> GoogleCloud:
        patience = Patience(attempts=attempts, first_wait=0, jitter=0)
        connection = Connection(patience=patience, limits=limits, transport=httpx.MockTransport(self.answer))
        return GoogleCloud(
            **{
                "table": TABLE,
                "addresses": Addresses(bigquery="http://127.0.0.1:1/google"),
                "connection": connection,
                "now": lambda: NOW,
                **more,
            }
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = re.sub("^/google/bigquery/v2/projects/[^/]+/", "", request.url.path)
        if instead := next((found for start, found in self.answers.items() if path.startswith(start) and found), None):
            return instead.pop(0)
        if path.startswith("datasets/"):
            return httpx.Response(200, json=self._described())
        if path == "jobs" and request.method == "POST":
            return self._insert(json.loads(request.content))
        if path.startswith("queries/"):
            return self._results(request.url.params)
        return httpx.Response(200, json=self._job())

    def _described(self) -> Row:
        project, dataset, table = TABLE.split(".")
        created = int(datetime.combine(self.created, datetime.min.time(), UTC).timestamp() * 1000)
        fields = [{"name": name, "type": "STRING", "mode": "NULLABLE"} for name in self.columns]
        return {
            "kind": "bigquery#table",
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table},
            "schema": {"fields": fields},
            "numRows": str(len(self.rows)),
            "creationTime": str(created),
            "location": "EU",
            "type": "TABLE",
            **({"timePartitioning": {"type": "DAY"}} if self.is_partitioned else {}),
        }

    def _insert(self, body: Row) -> httpx.Response:
        config = body["configuration"]["query"]
        self.queries.append(config)
        by_partition = "_PARTITIONTIME" in config["query"]
        if by_partition != self.is_partitioned:
            return refusal(400, "Unrecognized name: _PARTITIONTIME at [9:11]", "invalidQuery")
        return httpx.Response(200, json=self._job(body["jobReference"]["jobId"]))

    def _job(self, job_id: str = "job-1") -> Row:
        return {
            "kind": "bigquery#job",
            "jobReference": {"projectId": "example-project", "jobId": job_id, "location": "EU"},
            "configuration": {"query": self.queries[-1], "jobType": "QUERY"},
            "status": {"state": "DONE"},
            "statistics": {"query": {"totalBytesBilled": "10485760", "totalBytesProcessed": "123456"}},
        }

    def _results(self, params: httpx.QueryParams) -> httpx.Response:
        found = self._found()
        texts = self.bend([text for _, text in found])
        lines = list(zip([day for day, _ in found], texts, strict=False))
        kept = lines[: len(lines) - self.lost_rows]
        start = int(params.get("pageToken") or 0)
        size = min(int(params.get("maxResults") or self.a_page), self.a_page)
        page = kept[start : start + size]
        more = {"pageToken": str(start + size)} if start + size < len(kept) else {}
        named = [{"name": "activity_date", "type": "DATE"}, {"name": "record", "type": "STRING"}]
        return httpx.Response(
            200,
            json={
                "kind": "bigquery#getQueryResultsResponse",
                "schema": {"fields": named},
                "jobReference": {"projectId": "example-project", "jobId": "job-1", "location": "EU"},
                "jobComplete": True,
                "totalRows": str(len(lines)),
                "totalBytesProcessed": "123456",
                "rows": [{"f": [{"v": day}, {"v": text}]} for day, text in page],
                **more,
            },
        )

    def _found(self) -> list[tuple[str, str]]:
        """The rows that the last query finds, by its parameters."""
        given = {one["name"]: one["parameterValue"] for one in self.queries[-1]["queryParameters"]}
        first, end = (datetime.fromisoformat(given[name]["value"]) for name in ("from", "to"))
        services = {one["value"] for one in given["services"]["arrayValues"]}
        words = re.compile(given["words"]["value"])
        found = []
        for one in self.rows:
            service = one["service"]
            is_asked = service["id"] in services or words.search(service["description"].lower())
            at = datetime.fromisoformat(one["usage_start_time"])
            if first <= at < end and (is_asked or one["cost_type"] == "tax"):
                found.append((at.date().isoformat(), json.dumps({k: v for k, v in one.items() if k in self.columns})))
        return found
