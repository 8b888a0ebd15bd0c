"""Are the acts of closing and reopening months still in the ledger as they were written, and do they follow each other?
They cannot be pulled again: what is lost here is lost.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from ai_usage.check import PASSED, Check, Result, SnapshotCheck, failed
from ai_usage.checks.bills import SOURCES
from ai_usage.checks.ledger import NAME, TITLE
from ai_usage.core.closing import ACTS, CLOSE, CLOSED_FIGURES, MONTH_CLOSE_ACTS, read_acts
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

COMMITS = f"select records_pull_id, records, content_hash from {PULLS.address} where pull = @pull"
RECORDS = f"select pull_id, record from {MONTH_CLOSE_ACTS.address} order by pull_id, position"
FROZEN = f"""
select month, provider, sum(billed_usd) as billed_usd
from {CLOSED_FIGURES.address}
where is_in_force
group by month, provider
"""


def broken_acts(warehouse: Warehouse) -> Result | None:
    """None where no month was ever closed."""
    commits, records = warehouse.ask(COMMITS, pull=ACTS).to_dicts(), warehouse.ask(RECORDS).rows()
    if not commits and not records:
        return None
    rows = [*_altered(commits, records)] or [
        *_out_of_order(acts := read_acts(warehouse)),
        *_other_copies(warehouse, acts),
    ]
    return failed(f"{'; '.join(row['reason'] for row in rows)}.", rows) if rows else PASSED


def _altered(commits: Sequence[Mapping[str, Any]], records: Sequence[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    stored: dict[str, list[bytes]] = {}
    for pull_id, record in records:
        stored.setdefault(pull_id, []).append(record.encode())
    for commit in commits:
        found = stored.get(commit["records_pull_id"], [])
        if (len(found), hashlib.sha256(b"\0".join(found)).hexdigest()) != (commit["records"], commit["content_hash"]):
            pull_id = commit["records_pull_id"]
            reason = f"raw/{ACTS} holds {len(found)} of the {commit['records']} acts of {pull_id}, or others"
            yield {"pull_id": pull_id, "reason": reason}
    for pull_id in sorted(stored.keys() - {commit["records_pull_id"] for commit in commits}):
        yield {"pull_id": pull_id, "reason": f"the acts of {pull_id} have no row in {PULLS.address}"}


def _out_of_order(acts: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A month is closed, then reopened, then closed again."""
    before: dict[tuple[str, str], str] = {}
    for act in acts:
        of = (act["month"], act["provider"])
        if (act["act"] == CLOSE) == (before.get(of) == CLOSE):
            yield _about(act, f"has a {act['act']} after {before.get(of) or 'nothing'}")
        before[of] = act["act"]


def _other_copies(warehouse: Warehouse, acts: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Closed months with another frozen copy in core than in the ledger."""
    copies = {(row["month"], row["provider"]): row["billed_usd"] for row in warehouse.ask(FROZEN).to_dicts()}
    for act in acts:
        amounts = [Decimal(usd) for of in act["frozen"] for usd in of["days"].values()]
        usd = sum(amounts, Decimal()) if amounts else None
        if act["is_in_force"] and usd != copies.get((act["month"], act["provider"])):
            yield _about(act, f"has another copy in core/{CLOSED_FIGURES.name} than in the ledger")


def _about(act: Mapping[str, Any], what: str) -> dict[str, Any]:
    return {"pull_id": act["pull_id"], "reason": f"{act['month']} of {act['provider']} {what}"}


CHECKS: list[Check] = [
    SnapshotCheck(
        name=NAME,
        asset=f"core/{CLOSED_FIGURES.name}",
        title=TITLE,
        description=f"Each act of {ACTS} is in raw exactly once, as it was written; a reopen follows a close, and the "
        "frozen copy of a closed month is that of its act.",
        severity="failed",
        sources=SOURCES,
        pulls=(),
        also_reads=(f"raw/{ACTS}",),
        evaluate=broken_acts,
        is_optional=True,
    )
]
