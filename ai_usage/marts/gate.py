"""The gate: which days of a provider's accounts may reach the marts. Evaluated from the data when it is called.

A day on which one of the gate's checks fails for an account keeps the last good version of that account's rows in every
mart; other days and accounts go on.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars as pl

from ai_usage.core.grain import repeated
from ai_usage.partitions import Span
from ai_usage.providers.provider import Gate
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.ledger_check import broken_pulls
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

MISSING, READABLE, WHOLE, GRAIN = "no_day_is_missing", "records_are_readable", "ledger_is_whole", "grain_is_unique"
NO_PULL = [""]  # engines infer no type of an empty list
SHARED = (MISSING, READABLE, WHOLE)  # checks of every provider's gate
DAYS_AT_ONCE = 92  # of one statement of a gate or mart: bounds memory, whatever the range

BlockedDays = dict[date, list[str]]
BlockedAccounts = dict[date, dict[str | None, list[str]]]  # account → checks; None: of all accounts


def blocked_days(warehouse: Warehouse, span: Span, gate: Gate) -> BlockedDays:
    """The days of the span that may not reach a mart for some account, with the checks that fail on each."""
    return by_day(blocked_accounts(warehouse, span, gate))


def by_day(blocked: BlockedAccounts) -> BlockedDays:
    """The checks that block some account's day. Accounts are named, except `default` where no other one is blocked."""
    return {day: list(dict.fromkeys(_named(accounts))) for day, accounts in blocked.items()}


def _named(accounts: Mapping[str | None, Sequence[str]]) -> Iterator[str]:
    is_default_alone = accounts.keys() <= {None, DEFAULT_ACCOUNT}
    for account, checks in accounts.items():
        name = "" if account is None or is_default_alone else f" ({account})"
        yield from (f"{check}{name}" for check in checks)


def blocked_accounts(warehouse: Warehouse, span: Span, gate: Gate) -> BlockedAccounts:
    """The same by account. A check that cannot attribute its finding to an account blocks the day for all of them."""
    blocked: BlockedAccounts = {}
    for days in span.cut(at_most=warehouse.days_at_once(DAYS_AT_ONCE)):
        for check in gating_checks(gate):
            wrong = _wrong(warehouse, check, days, gate)
            account = pl.col("account") if "account" in wrong.columns else pl.lit(None, pl.String).alias("account")
            for day, of in wrong.select("activity_date", account).unique().sort("activity_date", "account").rows():
                blocked.setdefault(day, {}).setdefault(of, []).append(check)
    return blocked


def gating_checks(gate: Gate) -> tuple[str, ...]:
    """The names of the checks that block a day."""
    return (*SHARED, *(check.name for check in gate.checks), *([GRAIN] if gate.tables else []))


def _wrong(warehouse: Warehouse, check: str, days: Span, gate: Gate) -> pl.DataFrame:
    if check == GRAIN:
        return repeated(warehouse, gate.tables, days)
    if check == WHOLE:
        return broken_pulls(warehouse, gate.pulls, days.first, days.last, with_hashes=False)
    own = {own.name: own.sql for own in gate.checks}
    pulls = gate.billing if check == READABLE else gate.pulls
    query = own.get(check, f"checks/{check}")
    asked = {"pulls": list(pulls), "optional_pulls": NO_PULL}  # of a gate every pull is needed
    return warehouse.ask(read(query, gate.provider), first_day=days.first, last_day=days.last, **asked)
