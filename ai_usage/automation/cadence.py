"""How each source is asked: when a day is settled there, how many days are asked again, and which days are due now.

What is due is read from the ledger, not from a clock's ticks: a day that was missed, for whatever reason, stays due
until it is there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from ai_usage.partitions import ONE_DAY, Span, runs_of_days
from ai_usage.providers.anthropic import tables as claude
from ai_usage.providers.anthropic.audit_log import tables as uploads
from ai_usage.providers.cursor import tables as cursor
from ai_usage.settings import Settings
from ai_usage.sheet import tables as sheets

MORNING = time(6)  # where the company is
WEEK = timedelta(days=7)
RUNS_AT_MOST = 5  # of one look; days further apart are taken in one run
SILENT = timedelta(days=3)  # a source that old is unhealthy

Looks = Mapping[date | None, datetime]  # when each day, or the snapshot, was last asked about


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """A source's promise, and what we make of it."""

    name: str
    daily: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    told_by: tuple[str, ...]  # the pulls that tell whether a day was asked about; the others come along where they may
    settles: timedelta  # after a day's end, until the vendor has all of it
    at: time | None = None  # of the company's day; None: as soon as a day is settled
    window: int = 0  # days asked again every day
    long_window: int = 0  # days of which none goes unasked for a week
    warns: timedelta  # an age at which the newest pull is late
    is_configured: Callable[[Settings], bool]
    key_variable: str  # what configures it
    is_certain: bool = True  # that a look leaves its trace: not where a key may not read it

    @property
    def job(self) -> str:
        return f"pull_{self.name}"

    @property
    def keys(self) -> list[dg.AssetKey]:
        return [dg.AssetKey(["raw", pull]) for pull in (*self.daily, *self.snapshots)]

    def last_pass(self, now: datetime, zone: str) -> datetime:
        """The newest instant, by now, at which the source was to be asked."""
        if self.at is None:
            return datetime.combine((now - self.settles).date(), time(), UTC) + self.settles
        here = now.astimezone(ZoneInfo(zone))
        today = here.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        return (today if today <= here else today - ONE_DAY).astimezone(UTC)

    def newest_settled(self, at: datetime) -> date:
        """The newest UTC day that the source has whole at an instant."""
        return (at - self.settles).date() - ONE_DAY

    def due(self, looks: Looks, now: datetime, *, start: date, zone: str) -> list[Span]:
        """The days to ask about now: the window, once a pass; the long one, once a week; what was never asked about."""
        last_pass = self.last_pass(now, zone)
        last = self.newest_settled(last_pass)
        known = sorted(day for day in looks if day is not None)

        def back(days: int, not_before: date) -> list[date]:
            first = max(start, not_before, last - timedelta(days=days - 1))
            return Span(first, last).days if first <= last else []

        days = {day for day in back(self.window, start) if looks.get(day, NEVER) < last_pass}
        if known:
            days |= {day for day in back((last - known[0]).days + 1, known[0]) if day not in looks}
            long = back(self.long_window, known[0])
            if any(looks[day] < last_pass - WEEK for day in long if day in looks):
                days |= set(long)
        spans = list(runs_of_days(sorted(days))) if days else []
        return spans if len(spans) <= RUNS_AT_MOST else [Span(spans[0].first, spans[-1].last)]


NEVER = datetime.min.replace(tzinfo=UTC)

ENTERPRISE = ("claude_enterprise_users",)

CADENCES = [
    Cadence(
        # Complete within hours (contracts: 5 minutes, 1 to 3 hours seen); analytics within 4 hours, and they revise
        # 30 days. 37: so that each day is asked about once more when it is 30 days old, which makes it final.
        name="claude",
        daily=tuple(pull for pull in claude.DAILY_PULLS if pull not in ENTERPRISE),
        snapshots=tuple(claude.SNAPSHOT_PULLS),
        told_by=tuple(pull for pull in claude.DAILY_PULLS if pull not in claude.OPTIONAL_PULLS),
        settles=timedelta(hours=4),
        at=MORNING,
        window=3,
        long_window=37,
        warns=timedelta(hours=36),
        is_configured=lambda of: of.simulate or of.has_anthropic_admin_key,
        key_variable="ANTHROPIC_ADMIN_API_KEY",
    ),
    Cadence(
        # Figures of a day are there at about 10:00 UTC of the next one, and move for up to a week.
        name="claude_enterprise",
        daily=(*ENTERPRISE, *uploads.DAILY_PULLS),
        told_by=ENTERPRISE,
        settles=timedelta(hours=12),
        window=7,
        warns=timedelta(hours=48),
        is_configured=lambda of: of.simulate or of.has_anthropic_analytics_key or of.uploads_dir.is_dir(),
        key_variable="ANTHROPIC_ANALYTICS_API_KEY",
        is_certain=False,
    ),
    Cadence(
        # Aggregated by the hour: an hour after its end a day is whole.
        name="cursor",
        daily=tuple(cursor.DAILY_PULLS),
        snapshots=tuple(cursor.SNAPSHOT_PULLS),
        told_by=tuple(pull for pull in cursor.DAILY_PULLS if pull not in cursor.OPTIONAL_PULLS),
        settles=timedelta(hours=1),
        window=3,
        warns=timedelta(hours=30),
        is_configured=lambda of: of.simulate or of.has_cursor_key,
        key_variable="CURSOR_ADMIN_API_KEY",
    ),
    Cadence(
        # `sheet_changed` pulls it when it changes; once a day it is seen to be there.
        name="sheet",
        snapshots=tuple(sheets.PULLS),
        told_by=(sheets.PULLS[0],),
        settles=timedelta(),
        at=MORNING,
        warns=timedelta(hours=36),
        is_configured=lambda of: of.simulate or bool(of.sheet_id),
        key_variable="AI_USAGE_SHEET_ID",
    ),
]


def with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """What is pulled, with the age at which Dagster shows it as late, and as unhealthy; not what few days need."""
    for cadence in CADENCES:
        if spec.key in cadence.keys and spec.key.path[-1] not in claude.PULLS_WHERE_NEEDED:
            return spec.replace_attributes(
                freshness_policy=dg.FreshnessPolicy.time_window(fail_window=SILENT, warn_window=cadence.warns)
            )
    return spec
