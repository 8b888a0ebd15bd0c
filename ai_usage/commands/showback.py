"""Showback statements: the cost of one team or cost center in a month, line by line, with its marks.

The statements of a scope split the lines of one table, so that they add up to the company's statement to the last
digit. Shown cents are the growth of the rounded running sum over all lines, so that cents add up too.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import polars as pl

CENT = Decimal("0.01")
AT_MOST = 48  # characters of a name in that of a file: four bytes each are less than file systems take
COMPANY = "company"
SCOPES = {"team": "teams", "cost_center": "cost centers"}
NAMES = {COMPANY: "Company", "team": "Team", "cost_center": "Cost center"}
UNATTRIBUTED = "unattributed"
ORDER = ("provider", "service", "charge_type", "attribution_method", "status")


@dataclass(frozen=True)
class Statement:
    """One statement. `table` has its lines, exact in `billed_usd` and in cents in `shown_usd`; the company's has one
    line for each team.
    """

    month: str
    scope: str
    name: str
    file: str  # without its ending
    table: pl.DataFrame
    shares: Sequence[tuple[str, str]]
    marks: Sequence[str]
    is_simulated: bool

    @property
    def title(self) -> str:
        return NAMES[self.scope] + (f" {self.name}" if self.name else "")


def marks_of(
    lines: pl.DataFrame, closes: Sequence[Mapping[str, Any]], *, is_over: bool, lacking: Sequence[str]
) -> list[str]:
    """Notes about the month: who closed it, or why its cost may still change."""
    marks = []
    if not is_over:
        marks.append("Provisional: the month is not over.")
    elif lines["status"].ne("final").any():
        usd = lines.filter(pl.col("status") != "final")["billed_usd"].sum()
        marks.append(f"Provisional: providers may still restate days; {usd:,.2f} USD are not final.")
    if lacking:
        marks.append(f"Incomplete: days were never pulled of {', '.join(lacking)}.")
    for row in closes:
        if row["days_blocked"]:
            marks.append(f"Incomplete: {row['provider']} has blocked days ({row['days_blocked']}).")
        if row["status"] != "closed":
            why = f" ({row['status_reason']})" if row["status_reason"] else ""
            marks.append(f"Not closed: {row['provider']} is {row['status']}{why}.")
            continue
        closed = f"Closed: {row['provider']}, by {row['closed_by_email']} on {row['closed_at']:%Y-%m-%d}"
        changed = row["changed_since_close_usd"]
        marks.append(closed + (f"; changed since by {changed:,.2f} USD." if changed else "."))
    return marks


def statements_of(month: str, lines: pl.DataFrame, marks: Sequence[str], *, is_simulated: bool) -> list[Statement]:
    """The company's statement, then one for each team and each cost center, by name."""
    rest = ([*_shares(lines)], marks, is_simulated)
    found = [Statement(month, COMPANY, "", COMPANY, _lines(month, lines, "team"), *rest)]
    for scope in SCOPES:
        whole, taken = _lines(month, lines, scope), set[str]()
        for name in whole["name"].unique(maintain_order=True):
            own = whole.filter(pl.col("name") == name)
            found.append(Statement(month, scope, name, _file(scope, name, taken), own, *rest))
    return found


def _lines(month: str, lines: pl.DataFrame, scope: str) -> pl.DataFrame:
    """The month's lines by the names of a scope, with cents that add up."""
    grouped = (
        lines.rename({scope: "name"})
        .group_by("name", *ORDER)
        .agg(pl.col("billed_usd").sum())
        .sort("name", *ORDER)
        .select(pl.lit(month).alias("month"), pl.lit(scope).alias("scope"), "name", *ORDER, "billed_usd")
    )
    return grouped.with_columns(pl.Series("shown_usd", [*_cents(grouped["billed_usd"])], dtype=pl.Decimal(38, 2)))


def _cents(exact: Sequence[Decimal] | pl.Series) -> Iterator[Decimal]:
    total = before = Decimal(0)
    for usd in exact:
        total += usd
        after = total.quantize(CENT, ROUND_HALF_EVEN)
        yield after - before
        before = after


def _shares(lines: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """The company's cost by attribution method, with shares; unattributed cost is always listed."""
    total = Decimal(lines["billed_usd"].sum())
    sums = lines.group_by("attribution_method").agg(pl.col("billed_usd").sum())
    methods: dict[str, Decimal] = {UNATTRIBUTED: Decimal(0)} | dict(sums.rows())
    for method, usd in sorted(methods.items(), key=lambda one: (one[0] == UNATTRIBUTED, -one[1], one[0])):
        share = f" ({100 * usd / total:.1f} %)" if total else ""
        yield method, f"{usd:,.2f} USD{share}"


def _file(scope: str, name: str, taken: set[str]) -> str:
    """A unique file name that every file system accepts: letters of any script, digits and `_`."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    plain = re.sub(r"[\W_]+", "_", folded)[:AT_MOST].strip("_") or "unnamed"
    found, n = f"{scope}_{plain}", 1
    while found in taken:
        n += 1
        found = f"{scope}_{plain}_{n}"
    taken.add(found)
    return found
