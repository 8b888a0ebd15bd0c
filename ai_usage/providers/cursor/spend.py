"""Daily spend from cumulative figures: the growth of each member's figure between two snapshots of a billing cycle."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl

from ai_usage.money import nine_decimals, usd
from ai_usage.providers.cursor.records import MemberSpend
from ai_usage.providers.cursor.tables import CURSOR_SPEND_DAILY, CURSOR_SPEND_LIMITS
from ai_usage.warehouse.reading.field_types import LAST_MS
from ai_usage.warehouse.reading.ledger_records import Records

CYCLE_AT_MOST = timedelta(days=32)
OF_A_DAY = ["activity_date", "account", "cycle_start_at", "user_id"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """An account's spend of the cycle so far, by member."""

    account: str
    pull_id: str
    at: datetime
    cycle_start: datetime
    members: dict[str, MemberSpend]


@dataclass(frozen=True)
class Growth:
    """From one snapshot of a cycle to the next; from the cycle's start to its first."""

    earlier: Snapshot | None
    later: Snapshot
    known: Mapping[str, MemberSpend]  # what the cycle's earlier snapshots last had of each member
    tail_unseen: timedelta  # of the cycle before, from its last snapshot to its end; zero within a cycle

    @property
    def since(self) -> datetime:
        return self.earlier.at if self.earlier else self.later.cycle_start

    @property
    def day(self) -> date:
        """The day of the middle: a morning's snapshot is about the day before."""
        return (self.since + (self.later.at - self.since) / 2).date()

    @property
    def days_between(self) -> int:
        return max(1, round((self.later.at - self.since) / timedelta(days=1)))


def snapshots(history: Records, at: str = "asked_at") -> list[Snapshot]:
    """The pulls of `cursor_spend`, oldest first; `at` is the column of their versions that dates them. One without its
    cycle is not included: cumulative spend means nothing without it.
    """
    of_pull: dict[str, dict[str, MemberSpend]] = {}
    read = history.read(MemberSpend)
    for pull_id, member in zip(read.lines["pull_id"], read.values, strict=True):
        of_pull.setdefault(pull_id, {})[member.key] = member
    return [
        Snapshot(account, pull_id, instant, start, of_pull.get(pull_id, {}))
        for account, pull_id, instant, envelope in history.versions.select(
            "account", "pull_id", at, "envelope"
        ).iter_rows()
        if (start := _cycle_start(envelope))
    ]


def growths(of: Sequence[Snapshot]) -> Iterator[Growth]:
    """The growths between the snapshots of each account."""
    for account in sorted({snapshot.account for snapshot in of}):
        yield from _of_account([snapshot for snapshot in of if snapshot.account == account])


def _of_account(of: Sequence[Snapshot]) -> Iterator[Growth]:
    """The growths between the snapshots of one account. A figure starts at 0 with its cycle: spend of the old cycle
    after its last snapshot is in no snapshot, which the new cycle's first growth notes. A member who is missing in a
    snapshot grows from the last one that has them.
    """
    earlier: Snapshot | None = None
    known: dict[str, MemberSpend] = {}
    for later in of:
        if earlier and earlier.cycle_start == later.cycle_start:
            yield Growth(earlier, later, dict(known), timedelta())
        else:
            known = {}
            yield Growth(None, later, {}, later.cycle_start - earlier.at if earlier else timedelta())
        known |= later.members
        earlier = later


def spend_rows(found: Sequence[Growth]) -> pl.DataFrame:
    """Rows of `cursor_spend_daily`: a day's growths together, by member and cycle."""
    rows = [
        _row(growth, user_id, member, growth.known.get(user_id))
        for growth in found
        for user_id, member in growth.later.members.items()
    ]
    apart = CURSOR_SPEND_DAILY.frame({name: [row[name] for row in rows] for name in CURSOR_SPEND_DAILY.columns})
    overall = pl.col("overall_spend_usd")
    how = {
        "spend_usd": pl.col("spend_usd").sum(),
        "overall_spend_usd": pl.when(overall.null_count() == 0).then(overall.sum()),
        "from_at": pl.col("from_at").first(),
        "days_between": pl.col("days_between").max(),
    }
    rest = [name for name in apart.columns if name not in OF_A_DAY]
    merged = [how[name] if name in how else pl.col(name).last() for name in rest]
    return apart.group_by(OF_A_DAY, maintain_order=True).agg(merged).select(apart.columns)


def _row(growth: Growth, user_id: str, member: MemberSpend, before: MemberSpend | None) -> dict[str, object]:
    spend, overall = _usd(member.spend), _usd(member.overall)
    spend_before, overall_before = (_usd(before.spend), _usd(before.overall)) if before else (Decimal(0), Decimal(0))
    return {
        "activity_date": growth.day,
        "cycle_start_at": growth.later.cycle_start,
        "user_id": user_id,
        "user_email": (member.email or "").strip().lower() or None,
        "spend_usd": _difference(spend, spend_before),
        "overall_spend_usd": _difference(overall, overall_before),
        "cycle_spend_usd": spend,
        "cycle_overall_spend_usd": overall,
        "from_at": growth.since,
        "to_at": growth.later.at,
        "days_between": growth.days_between,
        "account": growth.later.account,
        "pull_id": growth.later.pull_id,
        "ingestion_timestamp": growth.later.at,
    }


def limit_rows(newest: Sequence[Snapshot]) -> pl.DataFrame:
    """Rows of `cursor_spend_limits`, of the newest snapshot of each account. Limits come in dollars, spend in cents."""
    rows = [_limits(snapshot, user_id, member) for snapshot in newest for user_id, member in snapshot.members.items()]
    return CURSOR_SPEND_LIMITS.frame({name: [row[name] for row in rows] for name in CURSOR_SPEND_LIMITS.columns})


def _limits(snapshot: Snapshot, user_id: str, member: MemberSpend) -> dict[str, object]:
    return {
        "cycle_start_at": snapshot.cycle_start,
        "user_id": user_id,
        "user_email": (member.email or "").strip().lower() or None,
        "hard_limit_override_usd": _dollars(member.hard_limit_override_dollars),
        "monthly_limit_usd": _dollars(member.monthly_limit_dollars),
        "effective_limit_usd": _dollars(member.effective_per_user_limit_dollars),
        "spend_usd": _usd(member.spend),
        "account": snapshot.account,
        "pull_id": snapshot.pull_id,
        "ingestion_timestamp": snapshot.at,
    }


def _dollars(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else nine_decimals(amount)


def _usd(cents: Decimal | None) -> Decimal | None:
    return None if cents is None else usd(cents=cents)


def _difference(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if now is None or before is None else now - before


def _cycle_start(envelope: str) -> datetime | None:
    try:
        ms = int(json.loads(envelope)["subscriptionCycleStart"])
    except (KeyError, TypeError, ValueError):
        return None
    return EPOCH + timedelta(milliseconds=ms) if 0 <= ms <= LAST_MS else None
