"""What a use of Gemini is, and the rows that it makes on the bill. Independent of the clock and of people's habits.

Amounts are dollars here; `google_export` converts them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from ai_usage.simulator.google_prices import GEMINI_API, SERVICES, Model, Service

HOUR = timedelta(hours=1)
STEP = 1000  # tokens: no cost needs more than nine decimal places
ENDS_AT = timedelta(minutes=41)  # the calls of an hour, within it
GROUNDING = "Grounding with Google Search"
OVERCOUNT = 1000  # Monitoring counts up to 1.5 % more tokens than the bill: failed calls are not billed

Labels = tuple[tuple[str, str], ...]


class Credit(NamedTuple):
    name: str
    type: str
    usd: Decimal  # below zero


class BillRow(NamedTuple):
    """One row of the export, in dollars before credits; `project_id` is None where Google names none."""

    service: Service
    sku: str
    start: datetime
    end: datetime
    project_id: str | None
    usd: Decimal
    exported_at: datetime
    amount: Decimal
    unit: str = "count"
    labels: Labels = ()
    credits: tuple[Credit, ...] = ()
    cost_type: str = "regular"
    adjustment: str | None = None  # its mode
    location: str = "global"
    seller: str = "GOOGLE"
    subscription: str | None = None
    resource: str | None = None

    @property
    def invoice_month(self) -> str:
        """The invoice month as YYYYMM; for a row that came after its month's end, the month in which it came."""
        return f"{max(self.start, self.exported_at - 3 * 24 * HOUR):%Y%m}"

    @property
    def credits_usd(self) -> Decimal:
        return sum((credit.usd for credit in self.credits), Decimal())

    @property
    def net_usd(self) -> Decimal:
        return self.usd + self.credits_usd


class Use(NamedTuple):
    """What one credential used of one model within an hour. `failed` calls answered 429, and `broken` 500."""

    project_id: str
    tier: str
    api: str
    credential: str
    model: Model
    hour: datetime
    tokens: dict[str, int]  # by kind; "thinking" is apart from "output"
    is_batch: bool
    searches: int
    overcount: int  # of OVERCOUNT
    labels: Labels = ()
    location: str = "global"
    failed: int = 0
    broken: int = 0

    @property
    def ended_at(self) -> datetime:
        return self.hour + ENDS_AT

    @property
    def requests(self) -> int:
        return sum(self.tokens.values()) // 4000 + 1

    def counted(self, *kinds: str) -> int:
        """Tokens of the kinds as Cloud Monitoring counts them."""
        n = sum(self.tokens.get(kind, 0) for kind in kinds)
        return n + n * self.overcount // OVERCOUNT


class Activity(NamedTuple):
    """One entry of the log of Code Assist: what a person was shown or accepted."""

    email: str
    at: datetime
    insert_id: str
    kind: str  # codeExposure, codeAcceptance, chatExposure, chatAcceptance, apiRequest
    original_id: str
    language: str
    lines: int
    client: str


@dataclass(frozen=True)
class GoogleDay:
    """A day, or the part known by now. `rows` begin within it and include other services."""

    date: date
    uses: tuple[Use, ...]
    rows: tuple[BillRow, ...]
    activities: tuple[Activity, ...] = ()

    @property
    def ai_rows(self) -> tuple[BillRow, ...]:
        """The rows of Gemini and of other models, without tax and machines."""
        return tuple(row for row in self.rows if is_ai(row))

    @property
    def net_usd(self) -> Decimal:
        """The cost of AI after credits, before tax."""
        return sum((row.net_usd for row in self.ai_rows), Decimal())

    @property
    def usage_usd(self) -> Decimal:
        """The usage-based cost of AI after credits, without subscriptions."""
        return sum((row.net_usd for row in self.ai_rows if not row.subscription), Decimal())

    def tokens(self, project_id: str, api: str, *kinds: str) -> dict[str, int]:
        """Model → tokens, as Cloud Monitoring counts them."""
        sums: dict[str, int] = {}
        for use in self.uses:
            if (use.project_id, use.api) == (project_id, api):
                sums[use.model.id] = sums.get(use.model.id, 0) + use.counted(*kinds)
        return sums

    def accepted_lines(self, email: str) -> int:
        """The accepted lines: the largest count of each original request."""
        most: dict[str, int] = {}
        for one in self.activities:
            if one.email.lower() == email.lower() and one.kind.endswith("Acceptance"):
                most[one.original_id] = max(most.get(one.original_id, 0), one.lines)
        return sum(most.values())


def is_ai(row: BillRow) -> bool:
    """Whether the row is of a model or of Code Assist."""
    named = {SERVICES[name] for name in (GEMINI_API, "vertex", "code_assist")}
    return row.service in named and "GPU" not in row.sku


def rows_of(use: Use, exported_at: datetime) -> Iterator[BillRow]:
    """The bill's rows of one use: one for each kind of tokens, and one for its searches."""
    service, labels = SERVICES[use.api], use.labels
    if use.api == GEMINI_API:
        labels = (*labels, ("goog-generativelanguage-model", use.model.label))
    merged: dict[str, tuple[int, Decimal]] = {}
    for kind, n in use.tokens.items():
        sku = use.model.sku(use.api, kind, is_batch=use.is_batch)
        had, usd = merged.get(sku, (0, Decimal()))
        merged[sku] = (had + n, usd + n * use.model.price(kind, is_batch=use.is_batch))
    for sku, (n, usd) in merged.items():
        if n:
            yield BillRow(
                *(service, sku, use.hour, use.hour + HOUR, use.project_id, usd, exported_at, Decimal(n)),
                labels=labels,
                location=use.location,
                resource=f"//{service.id}/{use.project_id}",
            )
    if use.searches:
        cost = use.searches * use.model.search_usd
        yield BillRow(
            *(service, GROUNDING, use.hour, use.hour + HOUR, use.project_id, cost, exported_at, Decimal(use.searches))
        )
