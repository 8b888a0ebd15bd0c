"""Lines of invoices as people paste them: each is read as it is meant, or rejected with what to do."""

import json
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.sheet.tabs import BUDGETS, CONSOLE_FIGURES, INVOICES, TabRows, read_tab

LINE = {
    "provider": "anthropic",
    "account": "",
    "invoice_id": "IN-1",
    "period": "2026-10",
    "amount": "100.50",
    "currency": "",
    "covers": "usage",
    "line": "",
    "note": "",
}


def read(*lines: dict[str, Any]) -> TabRows:
    rows = [[*LINE], *([*(LINE | line).values()] for line in lines), [None, ""], []]
    return read_tab(INVOICES, [json.dumps(row) for row in rows])


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ({"period": "2026-10-01/2026-11-01"}, {"period": "2026-10"}),
        ({"period": "2026/10"}, {"period": "2026-10"}),
        ({"period": "Oct 2026"}, {"period": "2026-10"}),
        ({"period": 46310}, {"period": "2026-10"}),
        ({"period": "2026-10-03 / 2026-11-03"}, {"period": "2026-10-03/2026-11-03"}),
        ({"period": "2026-12-15/2027-01-15"}, {"period": "2026-12-15/2027-01-15"}),
        ({"amount": "\u221250"}, {"amount": Decimal(-50)}),  # a typographic minus
        ({"amount": "-50", "note": "credit note"}, {"amount": Decimal(-50)}),
        ({"amount": "1,234.50"}, {"amount": Decimal("1234.50")}),
        ({"amount": "1,234,567"}, {"amount": Decimal(1234567)}),
        ({"currency": " eur\u200b"}, {"currency": "EUR"}),
        ({"currency": ""}, {"currency": "USD"}),
        ({"invoice_id": 12345}, {"invoice_id": "12345"}),
        ({"invoice_id": "\u200bRechnung Nº 7/é"}, {"invoice_id": "Rechnung Nº 7/é"}),
        ({"covers": "credits", "amount": "-5"}, {"covers": "credits", "amount": Decimal(-5)}),
    ],
    ids=str,
)
def test_a_line_of_one_meaning_is_read(line: dict[str, Any], meant: dict[str, Any]) -> None:
    found = read(line)
    assert found.rejections == []
    [row] = found.good
    assert meant.items() <= row.items()


NO_PERIOD, TWO_DATES = "is no period: write a month, such as 2026-01, or two days", "can be two dates"
CURRENCY = "has a currency: write the number alone, and the currency into its own column"


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        *(
            ("period", cell, NO_PERIOD)
            for cell in ("10/2026", "Q3 2026", "Okt 2026", "202610", "01.10.2026-31.10.2026")
        ),
        *(("period", f"2026-10-01 {dash} 2026-10-31", NO_PERIOD) for dash in ("-", "to", "\u2013")),
        *(("period", cell, TWO_DATES) for cell in ("01.10.2026/01.11.2026", "01/10/2026", "3.10.26")),
        ("period", "2026-10-01/2026-10-31", "can be two periods, with its second day or without it"),
        ("period", "2026-10-01/2062-11-01", "is longer than a year"),
        ("period", "2026-11-03/2026-10-03", "ends before it begins"),
        ("period", 202610, "is a date outside 2015 to 2100"),
        *(("amount", cell, CURRENCY) for cell in ("$12", "€12", "12 €", "EUR 1,234.50", "1.234,50 €", "12 CHF", "-£3")),
        *(
            ("amount", cell, "is no number: write 1234.50")
            for cell in ("1.234,50", "1234,50", "1'234.50", "1 234", "5-")
        ),
        *(("amount", cell, "can be two numbers") for cell in ("1,234", "1.234")),
        *(("amount", cell, "is more than any amount") for cell in ("9" * 13, "9" * 40, 10**12, -(10**12))),
        ("amount", "(50.00)", "is in parentheses"),
        *(("amount", cell, "is no") for cell in ("=1+1", "#REF!", "NaN", "n/a", "1e5", "１２")),
        *(("currency", cell, "is no currency: write three letters") for cell in ("€", "euro", "US dollar")),
        ("covers", "shipping", "is none of usage, seats, tax, credits"),
        ("account", "../x", "is no name of an account"),
    ],
    ids=str,
)
def test_any_other_line_is_rejected_with_what_to_do_and_the_next_is_read(column: str, cell: Any, why: str) -> None:
    found = read({column: cell}, {"invoice_id": "IN-2"})
    assert [row["invoice_id"] for row in found.good] == ["IN-2"]
    [rejected] = found.rejections
    assert (rejected.tab, rejected.row_number, rejected.column_name) == ("invoices", 2, column)
    assert rejected.reason.startswith(why)


def test_a_line_pasted_twice_counts_once_and_two_amounts_of_one_line_not_at_all() -> None:
    again = {"period": "2026-10-01/2026-11-01", "currency": "USD", "note": "pasted again", "amount": "100.5"}
    found = read({}, again, {"covers": "tax", "amount": "3"})
    assert ([row["covers"] for row in found.good], found.rejections) == (["usage", "tax"], [])
    found = read({}, again | {"amount": "100.51"}, {"line": "2"}, {"provider": "openai"})
    assert [(row["provider"], row["line"]) for row in found.good] == [("anthropic", "2"), ("openai", None)]
    assert [one.reason for one in found.rejections] == [
        f"contradicts row {other}: which one is meant is not known" for other in (3, 2)
    ]


def test_days_of_figures_and_months_of_budgets_are_no_ranges() -> None:
    """A day with text after it was read as that day alone."""
    rows = [["provider", "period_start", "period_end", "amount_usd"]]
    rows += [
        ["cursor", "2026-10-03 to 2026-11-02", "2026-11-03", "5"],
        ["cursor", "2026-10-03 00:00", "2026-11-03", "5"],
    ]
    found = read_tab(CONSOLE_FIGURES, [json.dumps(row) for row in rows])
    assert ([row["row_number"] for row in found.good], [one.reason for one in found.rejections]) == (
        [3], ["is no date: write 2026-01-31"],
    )  # fmt: skip
    months = ["2026-10 bis 2026-11", "Oktober", "2026/10"]
    rows = [["month", "scope", "amount_usd"], *([month, "total", "5"] for month in months)]
    found = read_tab(BUDGETS, [json.dumps(row) for row in rows])
    assert [row["month"] for row in found.good] == ["2026-10"]
    assert {one.reason for one in found.rejections} == {"is no month: write 2026-01"}
