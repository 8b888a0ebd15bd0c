"""BigQuery's REST, as far as a reader of one dataset goes: jobs that query it, and what its tables are.

Written from Google's reference of `jobs.query`, `jobs.insert`, `jobs.get`, `jobs.getQueryResults` and `tables.get`.
What a query answers is `google_export`'s business.
"""

import base64
import binascii
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ai_usage.simulator.google_company import BILLING_PROJECT, DATASET
from ai_usage.simulator.google_export import Answered, Export, missing, naive
from ai_usage.simulator.google_export_rows import Columns, row_bytes
from ai_usage.simulator.google_sql import SqlError
from ai_usage.simulator.google_wire import CloudError, whole

LOCATION = "EU"
MEBIBYTE = 2**20
LEAST_BILLED = 10 * MEBIBYTE  # of each table that a query reads
ROWS_A_DAY = 34  # approximately, for the size of a table in its description
KEPT_JOBS = 200  # the oldest one is forgotten
BOOLEANS = {"true": True, "false": False}
TYPES = {  # DuckDB's → BigQuery's, as jobs name them
    "varchar": "STRING",
    "double": "FLOAT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP",
    "struct": "RECORD",
    "decimal": "NUMERIC",
    **dict.fromkeys(("integer", "bigint", "hugeint"), "INTEGER"),
}

Parameters = dict[str, Any]


@dataclass
class Job:
    """A query job with an answer or a refusal. The next `polls` requests report it as running."""

    id: str
    project: str
    created_at: datetime
    configuration: Mapping[str, Any]
    answered: Answered | None = None
    refusal: SqlError | None = None
    polls: int = 0

    @property
    def is_dry(self) -> bool:
        return bool(self.configuration.get("dryRun"))

    @property
    def billed(self) -> int:
        return billed_bytes(self.answered) if self.answered else 0


class BigQuery:
    """Jobs on one export. Results come at most `rows_a_page` at once; a job runs for `polls` answers."""

    def __init__(self, export: Export, clock: Callable[[], datetime], *, rows_a_page: int, polls: int) -> None:
        self.export, self.clock, self.rows_a_page, self.polls = export, clock, rows_a_page, polls
        self.jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    def insert(self, project: str, body: Mapping[str, Any]) -> Any:
        """`jobs.insert`: the job, before it is done."""
        configuration = body.get("configuration") or {}
        query = configuration.get("query")
        if query is None:
            raise CloudError(400, "Required parameter is missing: configuration.query", "required")
        named = (body.get("jobReference") or {}).get("jobId")
        if named in self.jobs:
            raise CloudError(409, f"Already Exists: Job {project}:{LOCATION}.{named}", "duplicate")
        job = self._started(project, configuration, named)
        if job.is_dry and job.refusal:
            raise _refused(job.refusal)
        return self._resource(job)

    def query(self, project: str, body: Mapping[str, Any]) -> Any:
        """`jobs.query`: the job and its first page, if it is done."""
        job = self._started(project, {"query": body, "dryRun": body.get("dryRun")}, None)
        in_microseconds = bool((body.get("formatOptions") or {}).get("useInt64Timestamp"))
        size = body.get("maxResults")
        answer = self._page(job, 0, whole(None if size is None else str(size), "maxResults", self.rows_a_page))
        return _rendered(answer, in_microseconds=in_microseconds) | {"kind": "bigquery#queryResponse"}

    def job(self, project: str, job_id: str) -> Any:
        """`jobs.get`."""
        return self._resource(self._found(project, job_id))

    def results(self, project: str, job_id: str, asked: Mapping[str, str]) -> Any:
        """`jobs.getQueryResults`."""
        job = self._found(project, job_id)
        first = int(asked.get("startIndex") or 0)
        if token := asked.get("pageToken"):
            first = _offset(job_id, token)
        size = self.rows_a_page
        if asked.get("maxResults") is not None:  # 0 asks whether the job is done
            size = min(size, int(asked["maxResults"]))
        answer = self._page(job, first, size)
        in_microseconds = BOOLEANS.get(asked.get("formatOptions.useInt64Timestamp", "").lower(), False)
        return _rendered(answer, in_microseconds=in_microseconds) | {"kind": "bigquery#getQueryResultsResponse"}

    def table(self, project: str, dataset: str, table: str) -> Any:
        """`tables.get`; the export begins when its first rows come."""
        named, now = f"{project}.{dataset}.{table}", self.clock()
        if named not in self.export.tables or now < self.export.since:
            raise _refused(missing(named))
        partitioned = {"timePartitioning": {"type": "DAY"}} if self.export.is_partitioned(named) else {}
        rows = ROWS_A_DAY * (now - self.export.since).days
        return {
            "kind": "bigquery#table",
            "id": f"{project}:{dataset}.{table}",
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table},
            "schema": {"fields": list(_fields(self.export.tables[named]))},
            "numRows": str(rows),
            "numBytes": str(rows * sum(map(row_bytes, self.export.tables[named].values()))),
            "creationTime": str(int(self.export.since.timestamp() * 1000)),
            "lastModifiedTime": str(int(now.timestamp() * 1000)),
            "type": "TABLE",
            "location": LOCATION,
            **partitioned,
        }

    def dataset(self, project: str, dataset: str) -> Any:
        """`datasets.get`."""
        if (project, dataset) != (BILLING_PROJECT, DATASET):
            raise CloudError(404, f"Not found: Dataset {project}:{dataset}", "notFound")
        named = {"projectId": project, "datasetId": dataset}
        return {
            "kind": "bigquery#dataset",
            "id": f"{project}:{dataset}",
            "datasetReference": named,
            "location": LOCATION,
        }

    def _started(self, project: str, configuration: Mapping[str, Any], job_id: str | None) -> Job:
        job_id, query = job_id or f"job_simulated{next(self._numbers):06d}", configuration["query"]
        job = Job(job_id, project, self.clock(), configuration)
        job.polls = 0 if job.is_dry else self.polls
        try:
            job.answered = self._answered(query, job)
            _refuse_more_than(query.get("maximumBytesBilled"), job)
        except SqlError as refusal:
            job.refusal = refusal
        if not job.is_dry:
            self.jobs[job_id] = job
        if len(self.jobs) > KEPT_JOBS:
            del self.jobs[next(iter(self.jobs))]
        return job

    def _answered(self, query: Mapping[str, Any], job: Job) -> Answered:
        if query.get("useLegacySql", True):  # the default of REST; every client of today turns it off
            raise SqlError("Simulated: only GoogleSQL is answered: useLegacySql has to be false")
        parameters = dict(map(_parameter, query.get("queryParameters") or ()))
        return self.export.ask(query.get("query") or "", parameters, job.created_at, only_plan=job.is_dry)

    def _found(self, project: str, job_id: str) -> Job:
        job = self.jobs.get(job_id)
        if job is None or job.project != project:
            raise CloudError(404, f"Not found: Job {project}:{LOCATION}.{job_id}", "notFound")
        return job

    def _page(self, job: Job, first: int, size: int) -> dict[str, Any]:
        """A page of a job's rows; without rows while the job runs."""
        if job.refusal:
            raise _refused(job.refusal)
        reference = {"jobReference": _reference(job)}
        if job.polls > 0:
            job.polls -= 1
            return {**reference, "jobComplete": False}
        answered = job.answered
        if answered is None:
            raise ValueError("a job that was not refused has an answer")
        last = min(first + min(size, self.rows_a_page), len(answered.rows))
        page = {"rows": answered.rows[first:last]} if size else {}
        more = {"pageToken": _token(job.id, last)} if last < len(answered.rows) and size else {}
        return {
            "schema": {"fields": [_field(name, kind) for name, kind in answered.columns]},
            **reference,
            "totalRows": str(len(answered.rows)),
            **more,
            **page,
            "totalBytesProcessed": str(answered.bytes_processed),
            "totalBytesBilled": str(job.billed),
            "jobComplete": True,
            "cacheHit": False,
        }

    def _resource(self, job: Job) -> dict[str, Any]:
        answered, at = job.answered, str(int(job.created_at.timestamp() * 1000))
        is_done = job.polls <= 0 or job.refusal is not None
        status: dict[str, Any] = {"state": "DONE" if is_done else "RUNNING"}
        if job.refusal:
            error = {"reason": job.refusal.reason, "message": str(job.refusal)}
            status |= {"errorResult": error, "errors": [error]}
        statistics: dict[str, Any] = {"creationTime": at, "startTime": at} | ({"endTime": at} if is_done else {})
        if answered and is_done:
            processed = str(answered.bytes_processed)
            billed = {"totalBytesBilled": str(0 if job.is_dry else job.billed), "cacheHit": False}
            schema = {"schema": {"fields": [_field(name, kind) for name, kind in answered.columns]}}
            query = {
                "statementType": "SELECT",
                "totalBytesProcessed": processed,
                **billed,
                **(schema if job.is_dry else {}),
            }
            statistics |= {"totalBytesProcessed": processed, "query": query}
        named = {"kind": "bigquery#job", "id": f"{job.project}:{LOCATION}.{job.id}", "jobReference": _reference(job)}
        configuration = {**job.configuration, "jobType": "QUERY"}
        return named | {"configuration": configuration, "status": status, "statistics": statistics}


def billed_bytes(answered: Answered) -> int:
    """Billed bytes: whole mebibytes, at least ten."""
    return max(LEAST_BILLED, -(-answered.bytes_processed // MEBIBYTE) * MEBIBYTE)


def _refuse_more_than(most: str | None, job: Job) -> None:
    if most is not None and not job.is_dry and job.billed > int(most):
        words = f"Query exceeded limit for bytes billed: {most}. {job.billed} or higher required."
        raise SqlError(words, "bytesBilledLimitExceeded")


def _refused(refusal: SqlError) -> CloudError:
    return CloudError(refusal.status, str(refusal), refusal.reason)


def _reference(job: Job) -> dict[str, str]:
    return {"projectId": job.project, "jobId": job.id, "location": LOCATION}


def _token(job_id: str, offset: int) -> str:
    return base64.urlsafe_b64encode(f"{job_id}:{offset}".encode()).decode()


def _offset(job_id: str, token: str) -> int:
    try:
        owner, _, offset = base64.urlsafe_b64decode(token).decode().rpartition(":")
    except (ValueError, binascii.Error):
        owner, offset = "", ""
    if owner != job_id:
        raise CloudError(400, "Invalid page token", "invalid")
    return int(offset)


def _parameter(sent: Mapping[str, Any]) -> tuple[str, Any]:
    """A named query parameter as a value of DuckDB's."""
    kind, value = sent["parameterType"], sent.get("parameterValue") or {}
    if not sent.get("name"):
        raise SqlError("Simulated: query parameters have names")
    if kind["type"] == "ARRAY":
        item = kind["arrayType"]["type"]
        return sent["name"], [_value(item, one.get("value")) for one in value.get("arrayValues") or ()]
    return sent["name"], _value(kind["type"], value.get("value"))


def _value(kind: str, text: str | None) -> Any:
    if text is None:
        return None
    try:
        if kind == "TIMESTAMP":
            at = datetime.fromisoformat(text)
            return naive(at if at.tzinfo else at.replace(tzinfo=UTC))
        readers: dict[str, Callable[[str], Any]] = {
            "STRING": str,
            "DATE": date.fromisoformat,
            "INT64": int,
            "INTEGER": int,
            "FLOAT64": float,
            "NUMERIC": Decimal,
            "BOOL": lambda sent: BOOLEANS[sent.lower()],
        }
        return readers[kind](text)
    except (KeyError, ValueError, ArithmeticError) as error:
        raise SqlError(f"Invalid value for type {kind}: {text!r}", "invalid") from error


def _fields(columns: Columns) -> Iterator[dict[str, Any]]:
    """The schema of a table as `tables.get` sends it."""
    for name, kind in columns.items():
        one = kind[0] if isinstance(kind, list) else kind
        field = {"name": name, "type": "RECORD" if isinstance(one, dict) else one}
        field["mode"] = "REPEATED" if isinstance(kind, list) else "NULLABLE"
        yield field | ({"fields": list(_fields(one))} if isinstance(one, dict) else {})


def _field(name: str, kind: Any) -> dict[str, Any]:
    """A column of an answer."""
    if kind.id == "list":
        return _field(name, kind.children[0][1]) | {"mode": "REPEATED"}
    field = {"name": name, "type": TYPES.get(kind.id, "STRING"), "mode": "NULLABLE"}
    return field | ({"fields": [_field(*child) for child in kind.children]} if kind.id == "struct" else {})


def _rendered(answer: dict[str, Any], *, in_microseconds: bool) -> dict[str, Any]:
    rows = answer.get("rows")
    if rows is None:
        return answer
    return answer | {"rows": [{"f": [{"v": _cell(v, in_microseconds=in_microseconds)} for v in row]} for row in rows]}


def _cell(value: Any, *, in_microseconds: bool) -> Any:
    """A cell's value; every scalar is a text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {"f": [{"v": _cell(one, in_microseconds=in_microseconds)} for one in value.values()]}
    if isinstance(value, list):
        return [{"v": _cell(one, in_microseconds=in_microseconds)} for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        since = value.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
        return str(microseconds) if in_microseconds else f"{Decimal(microseconds) / 1_000_000:E}".replace("E+", "E")
    return value.isoformat() if isinstance(value, date) else repr(value) if isinstance(value, float) else str(value)
