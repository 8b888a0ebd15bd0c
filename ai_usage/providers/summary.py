"""What a provider adds to the demo's summary: lines, which may have rich's markup, and tables of shares."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ai_usage.partitions import Span
from ai_usage.warehouse.port import Warehouse


@dataclass(frozen=True)
class Shares:
    """A table of shares of a total in USD; each row has `label` and `cost_usd`."""

    title: str
    rows: Iterable[Mapping[str, Any]]
    total_usd: Decimal | None


Summary = Sequence[str | Shares]
Summarize = Callable[[Warehouse, Span], Summary]  # nothing where nothing is known of the days


def usd_text(amount: Decimal | int) -> str:
    """An amount for people, to the cent."""
    return f"${amount:,.2f}"


def count_text(count: int) -> str:
    """A large count for people, in three or four digits."""
    for size, unit in ((10**9, "bn"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)
