"""Lines of invoices in dollars: converted by a dated rate of the period's last day, else not comparable, with the
reason.
"""

import json
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.settings import settings
from ai_usage.sheet.tabs import INVOICES
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.platform import Platform

HEADER = ["provider", "account", "invoice_id", "period", "amount", "currency", "covers", "line", "note"]
USAGE = ["anthropic", "", "IN-1", "2026-10", "100.50", "", "usage", "", ""]
EURO = ["anthropic", "", "IN-2", "2026-10", "10", "EUR", "tax", "", ""]
YEN = ["anthropic", "", "IN-3", "2026-10", "10", "JPY", "seats", "", ""]
RATES = """
[[rate]]
currency = "EUR"
valid_from = 2026-10-01
usd_per_unit = "1.1"
[[rate]]
currency = "EUR"
valid_from = 2026-10-31
usd_per_unit = "1.0842"
"""


@pytest.mark.usefixtures("settings_are_read_again")
def test_a_line_is_converted_by_a_dated_rate_and_kept_when_it_leaves_the_sheet(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "rates.toml").write_text(RATES, encoding="utf-8")
    monkeypatch.setenv("AI_USAGE_CURRENCY_RATES", str(tmp_path / "rates.toml"))
    settings.cache_clear()
    versions = []
    for rows in ([USAGE, EURO, YEN], [USAGE, EURO], [USAGE, [*EURO[:8], "read again"]]):
        records = [json.dumps(row).encode() for row in (HEADER, *rows)]
        versions += platform.warehouse.append(INVOICES.pull, [Answer("google", None, records, 1, {}, is_ordered=True)])
    outcome = platform.materialize(dg.AssetSelection.assets("core/invoices").without_checks(), None, None)
    assert outcome.result.success, outcome.failed
    found = platform.sql(
        "select invoice_id, period_start::text, period_end::text, currency, amount, usd_per_unit, amount_usd, "
        "not_comparable_reason, first_seen_at, removed_at from ai_usage_analytics.invoices order by invoice_id"
    )
    october, first, second = ("2026-10-01", "2026-11-01"), versions[0].pulled_at, versions[1].pulled_at
    no_rate = "JPY has no rate to USD on 2026-10-31: AI_USAGE_CURRENCY_RATES names none"
    assert found == [
        ("IN-1", *october, "USD", Decimal("100.50"), Decimal(1), Decimal("100.50"), None, first, None),
        ("IN-2", *october, "EUR", Decimal(10), Decimal("1.0842"), Decimal("10.842"), None, first, None),
        ("IN-3", *october, "JPY", Decimal(10), None, None, no_rate, first, second),
    ]
