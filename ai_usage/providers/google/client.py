"""One account at Google: its billing export, and what it shares with the clients of usage. It makes no tables and
converts no money.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from ai_usage.ingest.days import Answers
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.partitions import Span
from ai_usage.providers.google.billed_services import Services
from ai_usage.providers.google.cloud_connection import Connection
from ai_usage.providers.google.code_assist.client import LOGGING, REQUESTS_A_MINUTE, CodeAssistLog
from ai_usage.providers.google.licenses.client import PROCUREMENT, Procurement
from ai_usage.providers.google.metrics.client import MONITORING, Monitoring
from ai_usage.providers.google.rest_api import RestApi
from ai_usage.settings import GOOGLE_BIGQUERY_URL, GOOGLE_LOGGING_URL, GOOGLE_MONITORING_URL, GOOGLE_PROCUREMENT_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from ai_usage.providers.google.billing_export import BillingExport


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where each of Google's APIs is asked."""

    bigquery: str = GOOGLE_BIGQUERY_URL
    monitoring: str = GOOGLE_MONITORING_URL
    logging: str = GOOGLE_LOGGING_URL
    procurement: str = GOOGLE_PROCUREMENT_URL


@dataclass(frozen=True, kw_only=True)
class GoogleCloud:
    """Read-only questions about one account, which has any of a billing export, projects and a billing account."""

    table: str = ""  # project.dataset.table of the billing export
    projects: tuple[str, ...] = ()
    billing_account: str = ""
    addresses: Addresses = field(default_factory=Addresses)
    connection: Connection = field(default_factory=Connection)
    services: Services = field(default_factory=Services.default)
    max_bytes_billed: int = 20_000_000_000
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    is_simulated: bool = False
    account: str = DEFAULT_ACCOUNT

    def close(self) -> None:
        self.connection.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.connection.requests

    @property
    def has_export(self) -> bool:
        return bool(self.table)

    @cached_property
    def export(self) -> "BillingExport":
        """The billing export's client, opened when it is first asked."""
        # Google's libraries take a third of a second to import.
        from ai_usage.providers.google.billing_export import BillingExport  # noqa: PLC0415

        return BillingExport.open(
            table=self.table,
            base_url=self.addresses.bigquery,
            connection=self.connection,
            services=self.services,
            max_bytes_billed=self.max_bytes_billed,
            now=self.now,
            is_simulated=self.is_simulated,
        )

    def billing(self, span: Span) -> Answers:
        """Rows of the billing export, one answer a day of use."""
        return self.export.rows(span)

    # Usage, people and licenses: none of it is money.

    @property
    def has_projects(self) -> bool:
        return bool(self.projects)

    @property
    def logging_projects(self) -> tuple[str, ...]:
        """Those of which the log is read: a folder's own log has nothing of its projects."""
        return tuple(project for project in self.projects if "/" not in project)

    @property
    def has_billing_account(self) -> bool:
        return bool(self.billing_account)

    @cached_property
    def monitoring(self) -> Monitoring:
        api = self.connection.api(MONITORING, self.addresses.monitoring, usual=GOOGLE_MONITORING_URL)
        return Monitoring(RestApi.over(api), self.projects, self.is_simulated)

    @cached_property
    def code_assist(self) -> CodeAssistLog:
        api = self.connection.api(LOGGING, self.addresses.logging, usual=GOOGLE_LOGGING_URL)
        if not self.is_simulated:
            api.http.event_hooks["request"].append(Pace({}, REQUESTS_A_MINUTE))
        return CodeAssistLog(RestApi.over(api), self.logging_projects, self.is_simulated)

    @cached_property
    def procurement(self) -> Procurement:
        api = self.connection.api(PROCUREMENT, self.addresses.procurement, usual=GOOGLE_PROCUREMENT_URL)
        return Procurement(RestApi.over(api), self.billing_account, self.is_simulated)

    def metrics(self, span: Span) -> Answers:
        """Time series of the account's projects, one answer a day."""
        return self.monitoring.metrics(span)

    def code_assist_log(self, span: Span) -> Answers:
        """Entries of Code Assist's metadata log in the account's projects, one answer a day."""
        return self.code_assist.entries(span)

    def licenses(self) -> Answer:
        """Orders of licenses and who has one, as they are now."""
        return self.procurement.licenses()
