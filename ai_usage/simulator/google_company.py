"""The company at Google Cloud: its billing account, projects, credentials and Code Assist licenses. No usage.

The people are those of the organization. Everything has the dates between which it existed, so any clock works.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ai_usage.simulator.organization import Organization, Person

SINCE = datetime(2025, 9, 1, 9, tzinfo=UTC)  # the export, too
DATASET = "billing_export"
BILLING_PROJECT = "simulated-billing"  # has the export, and no usage
LICENSED = 14  # developers with Code Assist
NEVER_USED_EVERY, SHOUTED_EVERY = 6, 5  # licenses without use; addresses with capitals
BY_FIVES = 5

FREE, PAID, PAID_2, PAID_3 = TIERS = ("free_tier", "paid_tier", "paid_tier_2", "paid_tier_3")
PROJECTS = {  # id → its tier at the Gemini API
    "simulated-search": PAID_2,
    "simulated-assistants": PAID,
    "simulated-data": PAID,
    "simulated-sandbox": FREE,
    BILLING_PROJECT: FREE,
}
CODE_ASSIST_PROJECT = "simulated-assistants"  # where Code Assist logs


@dataclass(frozen=True)
class Project:
    id: str
    number: str
    tier: str


@dataclass(frozen=True)
class Licensed:
    """A person with a license of Code Assist, from the day it was assigned."""

    person: Person
    email: str  # as Google writes it, capitals included
    assigned_at: datetime
    uses_it: bool

    def has_license(self, now: datetime) -> bool:
        return self.assigned_at <= now and not self.person.gone(now)


@dataclass(frozen=True)
class GoogleCompany:
    """The whole company; the same seed gives the same company."""

    organization: Organization
    billing_account_id: str
    projects: tuple[Project, ...]
    licensed: tuple[Licensed, ...]
    seed: int

    @property
    def table(self) -> str:
        """The standard export, as `project.dataset.table`."""
        return self._table("v1")

    @property
    def detailed_table(self) -> str:
        """The detailed export, with the same cost by resource."""
        return self._table("resource_v1")

    @property
    def copy(self) -> str:
        """A copy of the standard export; it has no pseudo-column `_PARTITIONTIME`."""
        return f"{BILLING_PROJECT}.{DATASET}.billing_copy"

    @property
    def names(self) -> dict[str, str]:
        """The names that a client needs."""
        projects = ",".join(project.id for project in self.projects)
        return {"billing_table": self.table, "projects": projects, "billing_account": self.billing_account_id}

    def _table(self, kind: str) -> str:
        account = self.billing_account_id.replace("-", "_")
        return f"{BILLING_PROJECT}.{DATASET}.gcp_billing_export_{kind}_{account}"

    def project(self, project_id: str) -> Project | None:
        return next((one for one in self.projects if project_id in (one.id, one.number)), None)

    def credential_id(self, name: str) -> str:
        """An API key's credential id in Cloud Monitoring."""
        return f"apikey:{uuid.UUID(bytes=_digest('key', self.seed, name)[:16], version=4)}"

    def seats(self, at: datetime) -> int:
        """The number of purchased licenses, a multiple of five that covers everyone who had one by then."""
        had = sum(one.assigned_at <= at for one in self.licensed)
        return -(-had // BY_FIVES) * BY_FIVES


def google_company(organization: Organization, seed: int) -> GoogleCompany:
    digits = _digest("account", seed).hex()[:18].upper()
    return GoogleCompany(
        organization=organization,
        billing_account_id=f"{digits[:6]}-{digits[6:12]}-{digits[12:]}",
        projects=tuple(Project(name, _number(seed, name), tier) for name, tier in PROJECTS.items()),
        licensed=tuple(_licensed(n, one) for n, one in enumerate(organization.developers()[:LICENSED])),
        seed=seed,
    )


def _licensed(n: int, person: Person) -> Licensed:
    assigned = max(person.added_at, SINCE + timedelta(days=9 * n))
    email = person.email.title() if n % SHOUTED_EVERY == 1 else person.email
    return Licensed(person, email, assigned, n % NEVER_USED_EVERY != NEVER_USED_EVERY - 1)


def _number(seed: int, name: str) -> str:
    return str(10**11 + int.from_bytes(_digest("project", seed, name)[:4], "big"))


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(("google", *parts)).encode()).digest()
