"""A Google Cloud project in memory, for features that the emulator lacks: permissions, roles and authorized datasets.
It answers Google's client as the documentation of BigQuery and Resource Manager describes.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.project_roles import ProjectRoles
from ai_usage.warehouse.bigquery.tables import Place

NAME = "p"
NEEDS = (  # method and address → the permission that Google requires
    ("GET", r"/datasets/\w+$", "bigquery.datasets.get"),
    ("POST", r"/datasets$", "bigquery.datasets.create"),
    ("PATCH", r"/datasets/\w+$", "bigquery.datasets.update"),
    ("POST", r"/tables$", "bigquery.tables.create"),
    ("POST", r"/jobs$|/queries$", "bigquery.jobs.create"),
    ("POST", r":getIamPolicy$", "resourcemanager.projects.getIamPolicy"),
    ("POST", r":setIamPolicy$", "resourcemanager.projects.setIamPolicy"),
)
# For a dry run: text in the statement → the permission.
OF_STATEMENTS = (
    (r"^\s*(update|merge)", "bigquery.tables.updateData"),
    (r"^\s*create or replace table function", "bigquery.routines.update"),
    (r"^\s*create table", "bigquery.tables.create"),
    (r"\bfrom ai_usage", "bigquery.tables.getData"),
)


class Refused(Exception):
    """An answer with an error."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"code": status, "message": message, "errors": [
            {"reason": reason, "message": message, "domain": "global"}
        ]}}  # fmt: skip


@dataclass
class Project:
    """The content of the project. A test removes permissions by adding them to `denied`."""

    denied: set[str] = field(default_factory=set)
    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=lambda: {"version": 1, "etag": "a", "bindings": []})
    asked: list[tuple[str, str]] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)  # of the dry runs
    bytes_read: int = 1000
    is_there: bool = True
    has_tables: bool = True  # whether the tables that a statement names exist
    is_mtls: bool = False  # Google's client reads it from its session

    def place(self, location: str = "US") -> Place:
        client = bigquery.Client(
            project=NAME,
            location=location,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            _http=self,  # type: ignore[arg-type]
        )
        return Place(Jobs(client, max_bytes_billed=10**10, wait=0.001), location)

    def roles(self, place: Place) -> ProjectRoles:
        return ProjectRoles(place.jobs, lambda: self)

    def changes(self) -> list[tuple[str, str]]:
        return [(method, where) for method, where in self.asked if method != "GET" and ":get" not in where]

    def request(self, method: str, url: str, data: Any = None, **_: Any) -> requests.Response:
        where = url.partition("?")[0].partition(f"/projects/{NAME}")[2]
        self.asked.append((method, where))
        response = requests.Response()
        response.request = requests.Request(method, url).prepare()
        try:
            response.status_code, body = 200, self._answer(method, where, json.loads(data) if data else {})
        except Refused as refused:
            response.status_code, body = refused.status, refused.body
        response._content = json.dumps(body).encode()
        response.headers["content-type"] = "application/json"
        return response

    def post(self, url: str, *, json: Any, timeout: float) -> requests.Response:
        return self.request("POST", url, data=_dumped(json), timeout=timeout)

    def _answer(self, method: str, where: str, body: dict[str, Any]) -> dict[str, Any]:
        if not self.is_there:
            raise Refused(404, "notFound", f"Not found: Project {NAME}")
        for verb, pattern, permission in NEEDS:
            if verb == method and re.search(pattern, where):
                self._need(permission)
        if where.endswith("IamPolicy"):
            return self._iam(where, body)
        if where == "/jobs":
            return self._dry_run(body)
        return self._resource(method, where, body)

    def _need(self, permission: str) -> None:
        if permission in self.denied:
            raise Refused(403, "accessDenied", f"Access Denied: Project {NAME}: Permission {permission} denied")

    def _iam(self, where: str, body: dict[str, Any]) -> dict[str, Any]:
        if where.endswith(":setIamPolicy"):
            if body["policy"]["etag"] != self.policy["etag"]:
                raise Refused(409, "aborted", "There were concurrent policy changes")
            self.policy = {**body["policy"], "etag": self.policy["etag"] + "a"}
        return self.policy

    def _dry_run(self, body: dict[str, Any]) -> dict[str, Any]:
        if not body["configuration"].get("dryRun"):
            raise Refused(400, "invalid", "this project runs no jobs")
        query = body["configuration"]["query"]
        text = query["query"]
        self.statements.append(text)
        names = [one["name"] for one in query.get("queryParameters", [])]
        self.configurations.append({"dryRun": True, "parameters": names})
        for pattern, permission in OF_STATEMENTS:
            if re.search(pattern, text):
                self._need(permission)
        if not self.has_tables and "ai_usage_" in text and "staging" not in text:
            raise Refused(404, "notFound", f"Not found: Table {NAME}:ai_usage_raw.pulls")
        if "no_such_name" in text:
            raise Refused(400, "invalidQuery", "Unrecognized name: no_such_name at [1:8]")
        statistics = {
            "totalBytesProcessed": str(self.bytes_read),
            "query": {"totalBytesProcessed": str(self.bytes_read)},
        }
        reference = body.get("jobReference", {})
        return {**body, "jobReference": reference, "status": {"state": "DONE"}, "statistics": statistics}

    def _resource(self, method: str, where: str, body: dict[str, Any]) -> dict[str, Any]:
        names = where.strip("/").split("/")[1::2]  # from datasets/a/tables/b
        held = self.tables if "/tables" in where else self.datasets
        if method == "POST":
            name = body["tableReference"]["tableId"] if held is self.tables else body["datasetReference"]["datasetId"]
            names = [*names, name]
            if ".".join(names) in held:
                raise Refused(409, "duplicate", f"Already Exists: {names}")
            held[".".join(names)] = body
        elif where.endswith("/tables"):
            listed = [of for key, of in self.tables.items() if key.startswith(f"{names[0]}.")]
            return {"tables": [{k: of[k] for k in ("tableReference", "labels") if k in of} for of in listed]}
        elif where == "/datasets":
            return {"datasets": list(self.datasets.values())}
        name = ".".join(names)
        if name not in held:
            raise Refused(404, "notFound", f"Not found: {'Table' if len(names) > 1 else 'Dataset'} {NAME}:{name}")
        if method == "DELETE":
            return held.pop(name)
        if method in {"PATCH", "PUT"}:
            held[name] |= body
        return held[name]


def _dumped(body: Any) -> str:
    return json.dumps(body)
