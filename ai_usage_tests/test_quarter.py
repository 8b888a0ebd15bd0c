"""A quarter of the simulated company is closed from the command line: each cent of its lines, consoles and invoices is
explained or listed as unexplained, and changes after the close are listed.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.commands.__main__ import main
from ai_usage.partitions import Span
from ai_usage.places import ROOT
from ai_usage.settings import settings
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform, of_others_than
from ai_usage_tests.printed import printed
from ai_usage_tests.simulated_quarter import (
    AT,
    KINDS,
    LATER,
    PULLED,
    SEATS,
    Tabs,
    billed,
    months,
    pulled,
    restates_late,
    truth,
    truthful,
)

ADA = "ada@example.com"
PLANTED = Decimal("3.21")  # in an invoice, and nowhere else
CAUSES = (
    *("days_outside_figure_usd", "restated_since_figure_usd", "missing_days_usd", "blocked_days_usd"),
    *("rounding_usd", "unexplained_usd"),
)
INVOICE_CAUSES = (
    *("not_invoiced_usd", "days_outside_invoice_usd", "restated_since_invoice_usd", "conversion_usd"),
    *("between_kinds_usd", "missing_days_usd", "blocked_days_usd", "invoice_only_usd", "rounding_usd"),
    "unexplained_usd",
)
ZERO = Decimal()


@dataclass
class Quarter:
    platform: Platform
    tabs: Tabs

    def rows(self, table: str, **wanted: Any) -> list[Row]:
        found = self.platform.warehouse.ask(f"select * from ai_usage_analytics.{table}").to_dicts()
        return [row for row in found if wanted.items() <= row.items()]

    def status(self, month: str) -> dict[str, str]:
        return {row["provider"]: row["status"] for row in self.rows("month_close", month=month)}


@pytest.fixture
def quarter(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Quarter]:
    """In August the sheet has no rows of Cursor yet; in September an invoice is a few dollars too high."""
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(platform.warehouse.path.parent))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform.warehouse.published_path = platform.warehouse.path.parent / "ai_usage_published.duckdb"
    settings.cache_clear()
    with restates_late():
        tabs = truthful(tmp_path)
        for line in tabs.lines("AN-202609"):
            if line[4] == "usage":
                line[3] = Decimal(f"{line[3]}") + PLANTED
        lacking = tabs.lines("CU-202608")
        tabs.rows["invoices"] = [line for line in tabs.rows["invoices"] if line not in lacking]
        assert pulled(platform, tabs, AT, PULLED).failed == {}
        tabs.rows["invoices"] += lacking
        yield Quarter(platform, tabs)
    settings.cache_clear()


def explained(quarter: Quarter) -> dict[tuple[str, str, str], Decimal]:
    """The unexplained amounts by month, provider and kind, after a check that all causes add up to each difference."""
    rest = {}
    for row in quarter.rows("month_close"):
        if row["difference_usd"] is not None:
            assert sum(row[cause] for cause in CAUSES) == row["difference_usd"] == row["vendor_usd"] - row["figure_usd"]
            rest[row["month"], row["provider"], "console"] = row["unexplained_usd"]
    for row in quarter.rows("month_reconciliation"):
        if row["difference_usd"] is None:
            assert row["not_comparable_reason"] == "no invoice in the sheet is for it"
        else:
            assert sum(row[cause] for cause in INVOICE_CAUSES) == row["difference_usd"]
            assert row["difference_usd"] == (row["lines_usd"] or 0) - row["invoice_usd"]
            rest[row["month"], row["provider"], row["kind"]] = row["unexplained_usd"]
    return {of: usd for of, usd in rest.items() if usd}


def commands_of_the_page() -> list[list[str]]:
    """The commands in docs/closing.md that need no provider, in its order."""
    page = (ROOT / "docs" / "closing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(make .*?)^```", page, re.MULTILINE | re.DOTALL)
    typed = [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]
    return [words for words in typed if words[0] in {"close", "reopen", "statements", "export-focus"}]


def lines_are_the_truth(quarter: Quarter) -> None:
    """To the last of nine digits; the sheet's seats cost their number times their price."""
    found = {(row["month"], row["provider"], row["kind"]): row["lines_usd"] or ZERO
             for row in quarter.rows("month_reconciliation")}  # fmt: skip
    for period in months():
        for provider in ("anthropic", "cursor", "google", "openai"):
            for kind in KINDS:
                usd = billed(provider, kind, period)
                if kind == "seats" and provider in SEATS:
                    _, count, price = SEATS[provider]
                    usd = Decimal(count * price)
                got = found.pop((f"{period[0]:%Y-%m}", provider, kind), ZERO)
                assert got == usd, (period, provider, kind)
    assert {month for month, *_ in found} == {"2026-10"}


def test_a_quarter_of_the_simulated_company_is_closed_by_the_commands_of_the_page(
    quarter: Quarter, capsys: pytest.CaptureFixture[str]
) -> None:
    july, august, september, *handed_over, reopen = commands_of_the_page()
    assert " ".join(["make", *july[:3]]) in (ROOT / "docs" / "finance.md").read_text(encoding="utf-8")
    lines_are_the_truth(quarter)
    usage = billed("anthropic", "usage", months()[2])
    unexplained = usage - round(usage, 2) - PLANTED
    assert explained(quarter) == {("2026-09", "anthropic", "usage"): unexplained}

    assert main(july) == 0, printed(capsys)
    assert f"2026-07 is closed by {ADA}" in printed(capsys)
    assert main(july) == 2
    assert f"it is closed already, by {ADA} on " in printed(capsys)
    assert main(["close", "MONTH=2026-08", f"BY={ADA.upper()}"]) == 2
    assert "cursor: no figure in the sheet" in printed(capsys)
    assert quarter.rows("month_closes", month="2026-08") == []
    assert main(august) == 0, printed(capsys)
    assert main([word for word in september if not word.startswith("UNEXPLAINED")]) == 2
    assert "a part of the difference to its invoices is unexplained: usage" in printed(capsys)
    assert main([word for word in september if not word.startswith("NOTE")]) == 2
    assert "needs a NOTE" in printed(capsys)
    assert main(september) == 0
    assert f"unexplained {unexplained:.9f} USD accepted" in printed(capsys)
    assert set(quarter.status("2026-07").values()) == {"closed"}
    assert {of for of, status in quarter.status("2026-08").items() if status == "closed"} == {"anthropic"}
    [row] = quarter.rows("month_close", month="2026-09", provider="anthropic")
    assert (row["closed_by_email"], row["closed_unexplained_usd"]) == (ADA, unexplained)
    assert row["closed_at"] >= row["ready_at"] if row["ready_at"] else row["status"] == "closed"
    frozen_is_the_truth(quarter)
    assert [main(words) for words in handed_over] == [0, 0], printed(capsys)

    provider_restates(quarter)
    assert main(["close", "MONTH=2026-08", f"BY={ADA}", "PROVIDER=cursor"]) == 0, printed(capsys)
    assert explained(quarter) == {("2026-09", "anthropic", "usage"): unexplained}
    assert main(reopen) == 0
    assert set(quarter.status("2026-07").values()) == {"ready"}


def frozen_is_the_truth(quarter: Quarter) -> None:
    """Each day of a closed month, as it was at the close."""
    for row in quarter.rows("closed_figures", provider="anthropic", kind="usage"):
        assert row["billed_usd"] == truth("anthropic", "usage", row["activity_date"])


def provider_restates(quarter: Quarter) -> None:
    """Days of a closed month change, and its figure and invoice leave the sheet: it stays closed, and all is listed."""
    august = Span(date(2026, 8, 1), date(2026, 8, 31))
    changed = {
        day: after - before
        for day in august.days
        if (after := truth("anthropic", "usage", day, LATER)) != (before := truth("anthropic", "usage", day))
    }
    assert len(changed) == 2
    quarter.tabs.forget("console_figures", "anthropic", august.first)
    quarter.tabs.forget("invoices", "anthropic", "AN-202608")
    others = of_others_than("anthropic")
    span = Span(min(changed), max(changed))
    assert pulled(quarter.platform, quarter.tabs, LATER, span, but=others).failed == {}
    of = {"month": "2026-08", "provider": "anthropic"}
    changes = [(row["activity_date"], row["kind"], row["cause"], row["change_usd"])
               for row in quarter.rows("closed_month_changes")]  # fmt: skip
    assert sorted(changes) == [(day, "usage", "restated", usd) for day, usd in changed.items()]
    [row] = quarter.rows("month_close", **of)
    assert (row["status"], row["changed_since_close_usd"]) == ("closed", sum(changed.values()))
    assert row["restated_since_close_usd"] == sum(changed.values())
    assert row["status_reason"] == "its figure left the sheet on 2026-12-01, after the close"
    assert row["closed_figure_usd"] == round(billed("anthropic", "usage", months()[1]), 2)
    assert row["closed_invoice_usd"] == row["closed_figure_usd"] + 90 * 60
