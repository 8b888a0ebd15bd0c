"""The truth of a day at Google Cloud, and how much of it is known by now.

A day follows from (seed, date) alone. The export is appended to: rows come six hours after their use, one of a day's
rows a day later, corrections days later, and a month's tax after its end. Knows of no HTTP and of no wire shape.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from ai_usage.simulator import rhythm
from ai_usage.simulator.google_code_assist import activities_of
from ai_usage.simulator.google_company import FREE, SINCE, GoogleCompany
from ai_usage.simulator.google_habits import HABITS, credits_of, other_rows, uses_of
from ai_usage.simulator.google_prices import GEMINI_API, SEAT_USD, SERVICES
from ai_usage.simulator.google_uses import GROUNDING, BillRow, GoogleDay, is_ai, rows_of

EXPORTED_AFTER = timedelta(hours=6, minutes=12)
LATE = timedelta(hours=31)  # of one row a day
CORRECTED_AFTER = timedelta(days=5, hours=12)
TAX_AFTER = timedelta(days=2)  # the month's end
DELAY, MONTHLY_DELAY = timedelta(days=7), timedelta(days=40)  # at most, from a row's start to its export
PACIFIC = ZoneInfo("America/Los_Angeles")  # subscriptions and taxes begin at midnight there
TAX_RATE = Decimal("0.08")
CENT = Decimal("0.01")
EVERY = 10  # of so many days one has a partial correction, one a complete one


class GoogleDays:
    """Every day of one company, made when first asked for."""

    def __init__(self, company: GoogleCompany, seed: int) -> None:
        self.company, self.seed = company, seed
        self.final = lru_cache(maxsize=800)(self._final)
        self.monthly = lru_cache(maxsize=48)(self._monthly)

    def visible(self, day: date, now: datetime) -> GoogleDay:
        """The day up to now, with the rows that the export has by now."""
        whole = self.final(day)
        rows = (*whole.rows, *(self.monthly(day) if day.day == 1 else ()))
        return GoogleDay(
            day,
            tuple(use for use in whole.uses if use.ended_at <= now),
            tuple(row for row in rows if row.exported_at <= now),
            tuple(one for one in whole.activities if one.at <= now),
        )

    def _final(self, day: date) -> GoogleDay:
        """The complete day, without the rows of a whole month."""
        bustle = rhythm.bustle(day)
        if day <= SINCE.date() or bustle == 0:
            return GoogleDay(day, (), ())
        rng = random.Random(f"google:{self.seed}:{day}")
        busy = rhythm.level(day) * (0.35 + 0.65 * bustle)
        user = self._analyst(day)
        uses = tuple(
            use
            for n, habit in enumerate(HABITS)
            for use in uses_of(habit, random.Random(f"google:{self.seed}:{n}:{day}"), day, busy, user)
        )
        rows = [row for use in uses if use.tier != FREE for row in rows_of(use, use.hour + EXPORTED_AFTER)]
        rows += other_rows(rng, day, busy, _midnight(day) + timedelta(hours=12) + EXPORTED_AFTER)
        rows = [row._replace(credits=credits_of(row)) for row in rows]
        late = rng.randrange(len(rows))
        rows[late] = rows[late]._replace(exported_at=rows[late].start + LATE)
        rows += self._corrections(day, rows)
        return GoogleDay(day, uses, tuple(rows), tuple(activities_of(self.company, day, bustle)))

    def _analyst(self, day: date) -> str:
        """The label of the person who works in the notebooks that day: no dots, no capitals."""
        people = [one.person for one in self.company.licensed if one.has_license(_midnight(day))]
        person = people[day.toordinal() % len(people)] if people else self.company.organization.people[0]
        return person.email.split("@")[0].replace(".", "-")

    def _corrections(self, day: date, rows: list[BillRow]) -> Iterator[BillRow]:
        """New rows, for the day that was wrong: nothing in an export ever changes."""
        at = _midnight(day) + CORRECTED_AFTER
        searches = [row for row in rows if row.sku == GROUNDING]
        turn = day.toordinal() % (2 * EVERY)
        if searches and turn % EVERY == 3:
            modes = (
                ["PARTIAL_CORRECTION"]
                if turn < EVERY
                else ["COMPLETE_NEGATION", "COMPLETE_NEGATION_WITH_REMONETIZATION"]
            )
            parts = [Decimal("-0.5")] if turn < EVERY else [Decimal(-1), Decimal("0.8")]
            row = searches[0]
            for mode, part in zip(modes, parts, strict=True):
                yield row._replace(
                    usd=row.usd * part,
                    amount=row.amount * part,
                    credits=(),
                    exported_at=at,
                    cost_type="adjustment",
                    adjustment=mode,
                )

    def _monthly(self, first: date) -> tuple[BillRow, ...]:
        """The rows that span the month which begins on `first`: Code Assist's fee, the tax and what rounding left."""
        following = (first + timedelta(days=32)).replace(day=1)
        start, end = (datetime.combine(day, time(), PACIFIC).astimezone(UTC) for day in (first, following))
        seats = self.company.seats(_midnight(first))
        if not seats:
            return ()
        days = [first + timedelta(days=n) for n in range((following - first).days)]
        fee = BillRow(
            *(SERVICES["code_assist"], "Gemini Code Assist Standard subscription", start, end, None),
            *(seats * SEAT_USD, start + timedelta(days=1), Decimal(seats), "month"),
            subscription=f"simulated-subscription-{self.seed}",
        )
        used = sum((row.net_usd for day in days for row in self.final(day).rows if is_ai(row)), fee.usd)
        tax = (used * TAX_RATE).quantize(CENT)
        after = end + TAX_AFTER
        spanning = (SERVICES["invoice"], "Tax", start, end, None, tax, after, Decimal(0), "")
        rounding = (SERVICES[GEMINI_API], "Rounding error", start, end, None, Decimal("0.0035"), after, Decimal(0), "")
        return fee, BillRow(*spanning, cost_type="tax"), BillRow(*rounding, cost_type="rounding_error")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
