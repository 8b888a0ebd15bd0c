"""A month billed in euros, with credits, a late correction, seats and a tax, from the export to ai_spend, month close
and FOCUS: each equals the invoice in both currencies, to the cent.
"""

from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.commands import export_focus
from ai_usage.partitions import Span
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage_tests.mock_google import OUTPUT, SEATS, VERTEX, MockGoogle, credit, labels, row
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, of_others_than, platform_in, whatever_makes
from ai_usage_tests.test_focus import COSMETIC, CRITERIA, VALIDATED, failures, validation

OCTOBER = Span(date(2026, 10, 1), date(2026, 10, 31))
CORRECTED = date(2026, 10, 12)
EURO: dict[str, Any] = {"currency": "EUR", "currency_conversion_rate": 0.92}
MONTHS: dict[str, Any] = {"amount": 12.0, "unit": "month", "amount_in_pricing_units": 12.0, "pricing_unit": "month"}
TAX: dict[str, Any] = {"service": {"id": "TAX", "description": "Invoice"}, "project": None, "cost_type": "tax"}
WRONG = {"id": "a", "description": "x", "mode": "PARTIAL_CORRECTION", "type": "USAGE_CORRECTION"}
A = "ai_usage_analytics"
MADE = whatever_makes(
    "marts/gemini_attributed_costs", "marts/ai_spend", "marts/month_close", "core/gemini_daily_cost"
) - of_others_than("google")
FIGURE = "provider,period_start,period_end,workspace_id,amount_usd,source,note,covers\ngoogle,2026-10-01,2026-11-01,,"


def invoiced() -> list[dict[str, Any]]:
    """The month's rows: 9.66 + 46 + 276 − 4.6 − 27.6 = 299.46 EUR before 56.8974 EUR of tax."""
    use = {"usage": {"amount": 2_000_000.0, "unit": "count"}, **EURO}
    return [
        row(4.60, "2026-10-03", sku=OUTPUT, credits=[credit(-4.60, "FREE_TIER")], **use),
        row(5.06, CORRECTED, sku=OUTPUT, labels=labels(team="data"), **use),
        row(46.0, CORRECTED, sku="Gemini 2.5 Pro Text Output - Predictions", service=VERTEX, **use),
        row(276.0, "2026-10-01", sku="Gemini Code Assist Standard subscription", service=SEATS, project=None,
            **EURO | {"usage": MONTHS, "credits": [credit(-27.60, "DISCOUNT")]}),
        row(56.8974, "2026-10-01", sku="Tax", **TAX, **EURO | {"export_time": "2026-11-03T00:00:00Z"}),
    ]  # fmt: skip


def correction() -> dict[str, Any]:
    """Half of one use is credited, on the next month's invoice."""
    used = {"amount": -1_000_000.0, "unit": "count"}
    more = {"cost_type": "adjustment", "adjustment_info": WRONG, "export_time": "2026-11-19T12:00:00Z", "usage": used}
    invoice = {"month": "202611", "publisher_type": "GOOGLE"}
    return row(-2.53, CORRECTED, sku=OUTPUT, labels=labels(team="data"), invoice=invoice, **EURO, **more)


def lived(platform: Platform, mock: MockGoogle, sheet: Path | None = None, span: Span = OCTOBER) -> Outcome:
    with closing(mock.cloud()) as cloud:
        of = CsvFolder(sheet, is_simulated=False) if sheet else None
        return platform.materialize(MADE, span, None, google_cloud=cloud, sheet=of)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform, sheet = platform_in(tmp_path_factory.mktemp("month")), tmp_path_factory.mktemp("sheet")
    (sheet / "console_figures.csv").write_text(f"{FIGURE}325.50,invoice,,usage_and_seats\n", encoding="utf-8")
    outcome = lived(platform, MockGoogle(invoiced()), sheet)
    assert outcome.result.success
    return platform


@pytest.fixture
def asked_again(month: Platform, tmp_path: Path) -> Platform:
    """The same month pulled again after a correction."""
    platform = month.copy(tmp_path)
    platform.warehouse.now.at += timedelta(days=1)
    assert lived(platform, MockGoogle([*invoiced(), correction()])).result.success
    return platform


def test_the_invoice_is_equal_in_both_currencies_wherever_it_is_shown(month: Platform) -> None:
    euros, dollars = Decimal("299.46"), Decimal("325.5")
    assert month.sql(f"select sum(ai_amount), sum(ai_usd), sum(other_amount) from {A}.gemini_invoices") == [
        (euros, dollars, Decimal(0))
    ]
    assert month.sql(f"select sum(billed_amount), sum(amount_usd) from {A}.gemini_attributed_costs") == [
        (euros, dollars)
    ]
    assert month.sql(f"select sum(billed_usd) from {A}.ai_spend") == [(dollars,)]
    assert month.sql(f"select sum(x_BilledCostUsd) from {A}.focus_1_2") == [(dollars,)]
    assert month.sql(f"select sum(amount_usd) from {A}.gemini_daily_cost") == [(dollars,)]


def test_month_close_compares_the_invoice_and_finds_no_difference(month: Platform) -> None:
    columns = "vendor_usd, seats_usd, figure_usd, difference_usd, unexplained_usd"
    october = f"select {columns} from {A}.month_close where month = '2026-10' and provider = 'google'"
    usage, seats = Decimal("25.5"), Decimal(300)
    assert month.sql(october) == [(usage, seats, usage + seats, Decimal(0), Decimal(0))]


def test_every_cent_has_a_name_and_credits_and_tax_stand_apart(month: Platform) -> None:
    columns = (
        "invoice_month, month_start, billed_currency, usage_amount, subscription_amount, credit_amount, tax_amount"
    )
    assert month.sql(f"select {columns}, tax_usd from {A}.gemini_invoices") == [
        (
            "202610",
            OCTOBER.first,
            "EUR",
            Decimal("55.66"),
            Decimal(276),
            Decimal("-32.2"),
            Decimal("56.8974"),
            Decimal("61.845"),
        )
    ]
    spend = f"select platform, meter, charge_type, quantity, unit, billed_usd from {A}.ai_spend order by all"
    assert month.sql(spend) == [
        ("gemini_api", "output_tokens", "credit", None, None, Decimal(-5)),
        ("gemini_api", "output_tokens", "usage", Decimal(2_000_000), "tokens", Decimal(5)),
        ("gemini_api", "output_tokens", "usage", Decimal(2_000_000), "tokens", Decimal("5.5")),
        ("gemini_code_assist", "seat", "credit", None, None, Decimal(-30)),
        ("gemini_code_assist", "seat", "subscription", Decimal(12), "seats", Decimal(300)),
        ("vertex_ai", "output_tokens", "usage", Decimal(2_000_000), "tokens", Decimal(50)),
    ]


def test_ai_spend_and_focus_have_the_sum_of_the_invoice_in_both_currencies(month: Platform) -> None:
    invoice = f"select sum(ai_amount), sum(ai_usd) from {A}.gemini_invoices"
    spend = f"select sum(billed_amount), sum(billed_usd) from {A}.ai_spend where billed_currency = 'EUR'"
    costs = "sum(BilledCost), sum(x_BilledCostUsd), sum(EffectiveCost), min(BillingCurrency), max(BillingCurrency)"
    billed = (Decimal("299.46"), Decimal("325.5"))
    assert month.sql(invoice) == month.sql(spend) == [billed]
    assert month.sql(f"select {costs} from {A}.focus_1_2") == [(*billed, billed[0], "EUR", "EUR")]


def test_focus_has_googles_names_and_its_kinds_of_charges(month: Platform) -> None:
    columns = (
        "ServiceName, ChargeCategory, ChargeFrequency, BillingAccountId, SubAccountId, SubAccountName, SubAccountType"
    )
    account = "AAAAAA-BBBBBB-CCCCCC"
    project = ("project-a", "Project A", "Project")
    none = (None, None, None)
    assert month.sql(f"select distinct {columns} from {A}.focus_1_2 order by all") == [
        ("Gemini API", "Credit", "One-Time", account, *project),
        ("Gemini API", "Usage", "Usage-Based", account, *project),
        ("Gemini Code Assist", "Credit", "One-Time", account, *none),
        ("Gemini Code Assist", "Usage", "Recurring", account, *none),
        ("Vertex AI", "Usage", "Usage-Based", account, *project),
    ]
    named = "select distinct ProviderName, PublisherName, InvoiceIssuerName, BillingAccountType"
    assert month.sql(f"{named} from {A}.focus_1_2") == [("Google", "Google", "Google", "Billing Account")]


@VALIDATED
def test_the_official_validator_finds_only_what_is_cosmetic(month: Platform, tmp_path: Path) -> None:
    export_focus.export(month.warehouse.ask(f"select * from {A}.focus_1_2"), tmp_path, "focus")
    [evaluations] = validation({tmp_path / "focus.parquet": CRITERIA})
    assert failures(evaluations).keys() == COSMETIC, failures(evaluations)


def test_a_label_names_the_team(month: Platform) -> None:
    by_team = f"select team_name, sum(billed_usd) from {A}.ai_spend group by 1 order by 1 nulls last"
    assert month.sql(by_team) == [("data", Decimal("5.5")), (None, Decimal(320))]


def test_a_month_asked_again_after_a_correction_has_one_revision_and_keeps_the_old_value(asked_again: Platform) -> None:
    revisions = f"select activity_date, old_usd, new_usd, change_usd from {A}.spend_revisions where provider = 'google'"
    assert asked_again.sql(revisions) == [(CORRECTED, Decimal("55.5"), Decimal("52.75"), Decimal("-2.75"))]
    versions = f"select billed_usd, known_to is null from {A}.spend_versions where activity_date = '{CORRECTED}'"
    assert asked_again.sql(f"{versions} order by known_from") == [(Decimal("55.5"), False), (Decimal("52.75"), True)]
    of_day = f"select billed_usd, quantity from {A}.ai_spend where team_name = 'data'"
    assert asked_again.sql(of_day) == [(Decimal("2.75"), Decimal(1_000_000))]
    by_invoice = f"select invoice_month, sum(ai_amount), sum(ai_usd) from {A}.gemini_invoices group by 1 order by 1"
    assert asked_again.sql(by_invoice) == [
        ("202610", Decimal("299.46"), Decimal("325.5")),
        ("202611", Decimal("-2.53"), Decimal("-2.75")),
    ]


def test_a_rerun_changes_nothing(asked_again: Platform) -> None:
    def state() -> list[Any]:
        stamps = "exclude (ingestion_timestamp, pull_id)"
        core = [f"select * {stamps} from {A}.{table} order by all" for table in ("gemini_costs", "gemini_daily_cost")]
        built = ("gemini_attributed_costs", "ai_spend", "spend_revisions", "spend_versions")
        marts = [f"select * from {A}.{table} order by all" for table in built]
        ledger = "select count(*), count(distinct pull_id) from ai_usage_raw.gemini_billing"
        return [asked_again.sql(text) for text in (*core, *marts, ledger)]

    before = state()
    [(looks,)] = asked_again.sql("select count(*) from ai_usage_raw.pulls where pull = 'gemini_billing'")
    asked_again.warehouse.now.at += timedelta(days=1)
    assert lived(asked_again, MockGoogle([*invoiced(), correction()])).result.success
    assert state() == before
    [(after,)] = asked_again.sql("select count(*) from ai_usage_raw.pulls where pull = 'gemini_billing'")
    assert after == looks + len(OCTOBER.days)
