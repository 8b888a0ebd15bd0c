"""Google Cloud over HTTP: BigQuery's billing export, Cloud Monitoring, Cloud Logging and the licenses of Code Assist.

One prefix stands for each of Google's hosts. Who may ask, and how a refusal reads, is here; what is answered is in
`google_bigquery`, `google_monitoring`, `google_logging` and `google_procurement`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.google_bigquery import BigQuery
from ai_usage.simulator.google_company import BILLING_PROJECT, SINCE
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.google_export import Export
from ai_usage.simulator.google_logging import Logging
from ai_usage.simulator.google_monitoring import Monitoring
from ai_usage.simulator.google_procurement import Procurement
from ai_usage.simulator.google_wire import CloudError, admit, error_body, json_response
from ai_usage.simulator.queries import RefusalError
from ai_usage.simulator.quota import Quota

CLOUD_PREFIX = "/gcp"
APIS = ("bigquery", "monitoring", "logging", "procurement")
BIGQUERY_PREFIX, MONITORING_PREFIX, LOGGING_PREFIX, PROCUREMENT_PREFIX = (f"{CLOUD_PREFIX}/{name}" for name in APIS)
BIGQUERY_REASONS = {400: "invalid", 401: "authError", 403: "accessDenied", 404: "notFound", 429: "rateLimitExceeded"}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Work = Callable[[Request, Any], Any]  # the second is the body of a POST


@dataclass(frozen=True)
class GoogleOffer:
    """What Google does for the company: tests choose other than usual.

    The export is in `currency` (USD or EUR) and begins with `export_since`; a query answers at most `rows_a_page` rows
    at once and runs for `polls` answers. `denies` has projects that the caller may not read; of `incomplete` ones
    Monitoring answers a part. `twins_disagree`: a quota's two counts differ. `logs`: whether Code Assist logs; a page
    of the log has at most `entries_a_page`.
    """

    currency: str = "USD"
    export_since: datetime = SINCE
    rows_a_page: int = 5_000
    polls: int = 0
    denies: frozenset[str] = field(default_factory=frozenset)
    incomplete: frozenset[str] = field(default_factory=frozenset)
    twins_disagree: bool = False
    logs: bool = True
    entries_a_page: int = 1000


class GoogleCloud:
    """Routes over one company's days, read at the simulator's clock; limited only with a clock for the limits."""

    def __init__(
        self,
        days: GoogleDays,
        clock: Callable[[], datetime],
        offer: GoogleOffer,
        monotonic: Callable[[], float] | None = None,
        *,
        key_suffix: str = "",
    ) -> None:
        self.offer, self.key_suffix = offer, key_suffix
        export = Export(days, offer.currency, offer.export_since)
        self.bigquery = BigQuery(export, clock, rows_a_page=offer.rows_a_page, polls=offer.polls)
        self.monitoring = Monitoring(
            *(days, clock),
            denies=offer.denies,
            incomplete=offer.incomplete,
            twins_disagree=offer.twins_disagree,
        )
        self.logging = Logging(
            *(days, clock),
            denies=offer.denies,
            is_on=offer.logs,
            entries_a_page=offer.entries_a_page,
            quota=Quota(monotonic),
        )
        self.procurement = Procurement(days, clock)

    def routes(self) -> list[Route]:
        projects = f"{BIGQUERY_PREFIX}/bigquery/v2/projects/{{project}}"
        orders = f"{PROCUREMENT_PREFIX}/v1/billingAccounts/{{account}}/orders"
        pool = f"{orders}/{{order}}/licensePool"
        served: list[tuple[str, str, Work]] = [
            ("POST", f"{projects}/jobs", self._insert),
            ("POST", f"{projects}/queries", self._query),
            ("GET", f"{projects}/jobs/{{job}}", self._job),
            ("GET", f"{projects}/queries/{{job}}", self._results),
            ("GET", f"{projects}/datasets/{{dataset}}", self._dataset),
            ("GET", f"{projects}/datasets/{{dataset}}/tables/{{table}}", self._table),
            ("GET", f"{MONITORING_PREFIX}/v3/projects/{{project}}/timeSeries", self._time_series),
            ("POST", f"{LOGGING_PREFIX}/v2/entries:list", self._entries),
            ("GET", orders, self._orders),
            ("GET", pool, self._pool),
            ("GET", f"{pool}:enumerateLicensedUsers", self._users),
        ]
        routes = [Route(path, self._endpoint(work), methods=[method]) for method, path, work in served]
        return [*routes, Route(CLOUD_PREFIX + "/{rest:path}", self._endpoint(_nothing), methods=METHODS)]

    def error(self, status: int, path: str, message: str | None = None) -> Response:
        """Any refusal or failure, in the form of the API."""
        reason = BIGQUERY_REASONS.get(status, "backendError") if path.startswith(BIGQUERY_PREFIX) else None
        return json_response(error_body(status, message, reason), status)

    def _endpoint(self, work: Work) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            path = request.url.path
            try:
                admit(request, self.key_suffix)
                answer = work(request, await _body(request))
            except RefusalError as refusal:
                return self.error(refusal.status, path, str(refusal))
            except CloudError as refusal:
                if refusal.reason:
                    body = error_body(refusal.status, refusal.message, refusal.reason)
                    return json_response(body, refusal.status)
                return self.error(refusal.status, path, refusal.message or None)
            return json_response(answer)

        return endpoint

    def _insert(self, request: Request, body: Any) -> Any:
        return self.bigquery.insert(self._billing_project(request), body)

    def _query(self, request: Request, body: Any) -> Any:
        return self.bigquery.query(self._billing_project(request), body)

    def _job(self, request: Request, _: Any) -> Any:
        return self.bigquery.job(self._billing_project(request), request.path_params["job"])

    def _results(self, request: Request, _: Any) -> Any:
        return self.bigquery.results(self._billing_project(request), request.path_params["job"], request.query_params)

    def _dataset(self, request: Request, _: Any) -> Any:
        return self.bigquery.dataset(self._billing_project(request), request.path_params["dataset"])

    def _table(self, request: Request, _: Any) -> Any:
        named = request.path_params
        return self.bigquery.table(self._billing_project(request), named["dataset"], named["table"])

    def _time_series(self, request: Request, _: Any) -> Any:
        pairs = request.query_params.multi_items()
        return self.monitoring.time_series(request.path_params["project"], request.url.path, pairs)

    def _entries(self, request: Request, body: Any) -> Any:
        return self.logging.entries(request.url.path, body)

    def _orders(self, request: Request, _: Any) -> Any:
        pairs = request.query_params.multi_items()
        return self.procurement.orders(request.path_params["account"], request.url.path, pairs)

    def _pool(self, request: Request, _: Any) -> Any:
        return self.procurement.pool(request.path_params["account"], request.path_params["order"])

    def _users(self, request: Request, _: Any) -> Any:
        named, pairs = request.path_params, request.query_params.multi_items()
        return self.procurement.users(named["account"], named["order"], request.url.path, pairs)

    def _billing_project(self, request: Request) -> str:
        """The project in which the caller may run jobs and read tables."""
        project: str = request.path_params["project"]
        if project != BILLING_PROJECT or project in self.offer.denies:
            words = f"Access Denied: Project {project}: User does not have bigquery.jobs.create permission in project"
            raise CloudError(403, f"{words} {project}.", "accessDenied")
        return project


def cloud_urls(url: str) -> dict[str, str]:
    """API → its base URL, in place of Google's host."""
    return {name: f"{url}{CLOUD_PREFIX}/{name}" for name in APIS}


async def _body(request: Request) -> Any:
    if request.method == "GET":
        return None
    try:
        return msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise CloudError(400, f"Invalid JSON payload received. {error}") from error


def _nothing(_: Request, __: Any) -> Any:
    raise CloudError(404)
