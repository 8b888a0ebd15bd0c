"""Months of one provider written by hand: billed amounts with the instants at which they were known, and the figures of
the sheet.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

ONE_DAY = timedelta(days=1)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
CAUSES = (
    "days_outside_figure_usd",
    "restated_since_figure_usd",
    "missing_days_usd",
    "blocked_days_usd",
    "rounding_usd",
    "unexplained_usd",
)
PULLS = {"anthropic": "claude_cost_report", "cursor": "cursor_usage_events"}


def at(day: date, hour: int = 6) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def month_close(platform: Platform) -> list[Row]:
    """The rows that the mart would have now."""
    for name in ("month_differences", "month_reconciliation", "closed_month_changes"):
        rebuild_whole(platform.warehouse, next(one for one in marts() if one.table.name == name))
    return platform.warehouse.query("marts/month_close").to_dicts()


@dataclass
class Books:
    """One provider's billed amounts by day, the instants at which they were known, and the figures of the sheet."""

    provider: str = "anthropic"
    versions: dict[date, list[tuple[datetime, Decimal]]] = field(default_factory=dict)
    pulls: list[Row] = field(default_factory=list)
    figures: list[Row] = field(default_factory=list)
    seats: dict[date, Decimal] = field(default_factory=dict)
    blocked: dict[date, Decimal] = field(default_factory=dict)  # the amounts of the last good version

    def billed(self, day: date, usd: str | Decimal, when: datetime | None = None) -> None:
        """The day's amount as pulled the next morning, or at another instant."""
        known = when or at(day + ONE_DAY)
        self.versions.setdefault(day, []).append((known, Decimal(usd)))
        self.pulls.append(pull(PULLS[self.provider], day, known))

    def month(self, first: date, days: int, usd: str | Decimal = "10", *, again_after: int | None = None) -> None:
        for n in range(days):
            day = first + n * ONE_DAY
            self.billed(day, usd)
            if again_after:
                self.pulls.append(pull(PULLS[self.provider], day, at(day + again_after * ONE_DAY)))

    def figure(self, first: date, following: date, usd: str, seen: datetime | None = None, **more: Any) -> None:
        period = {"period_start": first, "period_end": following, "row_number": len(self.figures) + 2}
        amount = {"amount_usd": Decimal(usd), "first_seen_at": seen or at(following, 12)}
        self.figures.append({"provider": self.provider, **period, **amount, **more})

    def compared(self, platform: Platform) -> dict[str, Row]:
        """Month → its row."""
        newest = {day: max(known)[1] for day, known in self.versions.items()}
        newest |= self.blocked
        know_providers(platform.warehouse)
        put(platform, "pulls", self.pulls)
        put(platform, "console_figures", self.figures)
        scope, none = {"scope": "provider", "scope_name": self.provider}, Decimal(0)
        put(
            platform,
            "spend_by_scope",
            [
                {
                    "spend_date": d,
                    "usage_usd": newest.get(d, none),
                    "seats_usd": self.seats.get(d, none),
                    **scope,
                }
                for d in newest.keys() | self.seats.keys()
            ],
        )
        put(platform, "spend_versions", [row for day in self.versions for row in self._versions_of(day)])
        return {row["month"]: row for row in month_close(platform)}

    def _versions_of(self, day: date) -> list[Row]:
        known = sorted(self.versions[day])
        ends = [since for since, _ in known[1:]] + [None]
        return [
            {"activity_date": day, "provider": self.provider, "billed_usd": usd, "known_from": since, "known_to": end,
             "pull_id": str(since)}
            for (since, usd), end in zip(known, ends, strict=True)
        ]  # fmt: skip


def causes(row: Row) -> dict[str, Decimal]:
    """The causes that are not zero, after a check that they sum to the difference."""
    assert sum(row[cause] for cause in CAUSES) == row["difference_usd"] == row["vendor_usd"] - row["figure_usd"]
    return {cause: row[cause] for cause in CAUSES if row[cause]}


def whole_october() -> Books:
    """31 days at 10 USD, pulled again 30 days later, and an equal figure of November 5."""
    books = Books()
    books.month(OCTOBER, 31, again_after=30)
    books.figure(OCTOBER, NOVEMBER, "310", at(date(2026, 11, 5)))
    return books
