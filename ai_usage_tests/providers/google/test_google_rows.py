"""Rows of the billing export become rows of core: amounts to the last digit in both currencies, credits on separate
rows, taxes apart, and no guess if a rate is not known.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.ingest.drift import drift
from ai_usage.money import NO_RATES, Rates
from ai_usage.providers.google.billed_services import Services
from ai_usage.providers.google.provider import billed_lines
from ai_usage.providers.google.records import ExportRow
from ai_usage.providers.google.rows import cost_rows, daily_cost_rows
from ai_usage_tests.mock_google import OUTPUT, SEATS, VERTEX, credit, labels, row
from ai_usage_tests.providers.google.pulled import records

FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"
DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)
ALL = Services.default()
EURO: dict[str, Any] = {"currency": "EUR", "currency_conversion_rate": 0.92}
TAX: dict[str, Any] = {"service": {"id": "TAX", "description": "Invoice"}, "project": None, "cost_type": "tax"}
Rows = list[tuple[Any, ...]]


def found(*sent: Any, columns: tuple[str, ...], rates: Rates = NO_RATES) -> Rows:
    return cost_rows(records({DAY: list(sent)}), ALL, rates).select(*columns).rows()


def amounts(*sent: Any, rates: Rates = NO_RATES) -> Rows:
    return found(*sent, columns=("billed_amount", "billed_currency", "amount_usd"), rates=rates)


def totals(*sent: Any) -> Rows:
    columns = ("billed_currency", "export_rows", "credit_count", "billed_amount", "tax_amount", "amount_usd", "tax_usd")
    return daily_cost_rows(records({DAY: list(sent)})).select(*columns).rows()


def test_an_amount_keeps_its_currency_and_is_converted_by_its_own_rate() -> None:
    assert amounts(row(0.184, **EURO)) == [(Decimal("0.184"), "EUR", Decimal("0.2"))]
    assert amounts(row(0.184)) == [(Decimal("0.184"), "USD", Decimal("0.184"))]
    halved: dict[str, Any] = {**EURO, "currency_conversion_rate": 0.5}
    two_rates = [row(1, **EURO), row(1, **halved)]
    assert [usd for _, _, usd in amounts(*two_rates)] == [Decimal("1.086956522"), Decimal(2)]


def test_a_float_is_read_digit_by_digit() -> None:
    text = json.dumps(row(1)).replace('"cost": 1', '"cost": 90071992547.409931234', 1)
    assert amounts(text)[0][0] == Decimal("90071992547.409931234")


def test_of_each_day_the_rounded_amounts_are_the_exact_sum_rounded_once_in_both_currencies() -> None:
    costs = ["0.3333333333333333", "0.0000000004", "0.0000000004", "1e-10", "0.1000000001", "0.7"]
    sent = [json.dumps(row(1, **EURO)).replace('"cost": 1,', f'"cost": {cost},', 1) for cost in costs]
    exact = sum(map(Decimal, costs), Decimal(0))
    lines = amounts(*sent)
    assert sum(line[0] for line in lines) == exact.quantize(Decimal("1e-9"))
    assert sum(line[2] for line in lines) == (exact / Decimal("0.92")).quantize(Decimal("1e-9"))
    [total] = totals(*sent)
    assert total == (
        "EUR",
        len(costs),
        0,
        sum(line[0] for line in lines),
        Decimal(0),
        sum(line[2] for line in lines),
        Decimal(0),
    )


def test_each_credit_is_a_row_of_its_own() -> None:
    sent = row(0.1, sku=OUTPUT, credits=[credit(-0.03), credit(-0.02, "DISCOUNT")], **EURO)
    columns = ("charge_type", "credit_type", "credit_name", "billed_amount", "quantity", "unit", "list_usd", "meter")
    rows = found(sent, columns=columns)
    assert [line[:4] for line in rows] == [
        ("usage", None, None, Decimal("0.1")),
        ("credit", "PROMOTION", "Promotion", Decimal("-0.03")),
        ("credit", "DISCOUNT", "Discount", Decimal("-0.02")),
    ]
    assert [line[4:7] for line in rows] == [
        (Decimal(1000), "tokens", Decimal("0.108695652")),
        (None, None, None),
        (None, None, None),
    ]
    assert {line[7] for line in rows} == {"output_tokens"}
    assert totals(sent) == [("EUR", 1, 2, Decimal("0.05"), Decimal(0), Decimal("0.054347826"), Decimal(0))]


def test_a_tax_is_apart_and_on_no_platform() -> None:
    sent = [row(1), row(0.19, **TAX)]
    assert found(*sent, columns=("charge_type", "platform", "amount_usd")) == [
        ("usage", "gemini_api", Decimal(1)),
        ("tax", None, Decimal("0.19")),
    ]
    assert totals(*sent) == [("USD", 2, 0, Decimal(1), Decimal("0.19"), Decimal(1), Decimal("0.19"))]
    assert billed_lines(records({DAY: sent}))["amount_usd"].to_list() == [Decimal(1)]


def test_a_tax_on_gemini_itself_is_a_tax() -> None:
    assert found(row(1, cost_type="tax"), columns=("charge_type", "platform")) == [("tax", None)]


def test_a_subscription_is_seats_and_no_use() -> None:
    used = {"amount": 12.0, "unit": "month", "amount_in_pricing_units": 12.0, "pricing_unit": "month"}
    sent = row(228, sku="Gemini Code Assist Standard subscription", service=SEATS, project=None, usage=used)
    sent |= {"credits": [credit(-28)]}
    assert found(sent, columns=("platform", "charge_type", "meter", "quantity", "unit", "project_id")) == [
        ("gemini_code_assist", "subscription", "seat", Decimal(12), "seats", None),
        ("gemini_code_assist", "credit", "seat", None, None, None),
    ]
    assert billed_lines(records({DAY: [sent]}))["amount_usd"].to_list() == [Decimal(-28)]


def test_a_correction_keeps_what_it_is_and_its_day() -> None:
    mode = {"id": "a", "description": "x", "mode": "PARTIAL_CORRECTION", "type": "USAGE_CORRECTION"}
    sent = row(-0.175, cost_type="adjustment", adjustment_info=mode, export_time="2026-11-25T12:00:00Z")
    columns = ("activity_date", "charge_type", "cost_type", "adjustment_mode", "amount_usd", "invoice_month")
    assert found(sent, columns=columns) == [
        (DAY, "usage", "adjustment", "PARTIAL_CORRECTION", Decimal("-0.175"), "202611")
    ]


def test_what_is_no_spend_on_ai_is_kept_and_not_billed_to_it() -> None:
    gpu = row(5, sku="Online Prediction Nvidia L4 GPU", service=VERTEX)
    new = row(7, sku="Nobody knows this", service=VERTEX)
    assert found(gpu, new, columns=("platform", "rule_name", "amount_usd")) == [
        (None, "Vertex AI, machines", Decimal(5)),
        (None, None, Decimal(7)),
    ]
    assert billed_lines(records({DAY: [gpu, new]})).is_empty()


def test_labels_of_the_use_come_before_those_of_its_project() -> None:
    project = {"id": "p", "number": "1", "name": "P", "labels": labels(team="platform", owner="bo-li")}
    sent = [
        row(1, labels=labels(team="data", user="lina-xu")),
        row(1, labels=labels(other="x"), project=project),
        row(1, labels=labels(team="data"), project=project),
        row(1, labels=None, project=None),
    ]
    assert found(*sent, columns=("label_team", "user_name")) == [
        ("data", "lina-xu"),
        ("platform", "bo-li"),
        ("data", "bo-li"),
        (None, None),
    ]


# Rates.


def test_without_a_rate_of_its_own_a_row_takes_the_dated_one_and_else_is_rejected_by_name() -> None:
    unknown: dict[str, Any] = {**EURO, "currency_conversion_rate": None}
    sent = row(1, **unknown)
    dated = Rates({"EUR": [(date(2026, 11, 1), Decimal("1.25"))]})
    assert amounts(sent, rates=dated) == [(Decimal(1), "EUR", Decimal("1.25"))]
    given = records({DAY: [sent, row(2)], NEXT: [row(3)]})
    assert cost_rows(given, ALL)["amount_usd"].to_list() == [Decimal(2), Decimal(3)]
    [rejection] = given.rejections
    assert (rejection.activity_date, rejection.position, rejection.field) == (DAY, 0, "currency_conversion_rate")
    assert rejection.reason == "is not known, and EUR has no rate to USD: AI_USAGE_CURRENCY_RATES names none"
    assert daily_cost_rows(given)["activity_date"].to_list() == [NEXT]


@pytest.mark.parametrize("rate", [0, -1, 0.0])
def test_a_rate_that_is_none_converts_nothing(rate: float) -> None:
    given = records({DAY: [row(1, currency="EUR", currency_conversion_rate=rate)]})
    assert cost_rows(given, ALL).is_empty()
    assert [rejection.field for rejection in given.rejections] == ["currency_conversion_rate"]


def test_two_currencies_of_a_day_are_never_added() -> None:
    assert [line[:4] for line in totals(row(1), row(1, **EURO))] == [
        ("USD", 1, 0, Decimal(1)),
        ("EUR", 1, 0, Decimal(1)),
    ]


@pytest.mark.parametrize("cost", ["NaN", "much", True, None, [1], 1e30])
def test_a_cost_that_is_none_costs_its_record_and_the_days_total(cost: object) -> None:
    given = records({DAY: [row(1), row(cost)], NEXT: [row(5)]})
    assert cost_rows(given, ALL)["amount_usd"].to_list() == [Decimal(1), Decimal(5)]
    [rejection] = given.rejections
    assert (rejection.activity_date, rejection.position, rejection.field) == (DAY, 1, "cost")
    assert daily_cost_rows(given).select("activity_date", "amount_usd").rows() == [(NEXT, Decimal(5))]


def test_a_credit_without_an_amount_is_never_read_as_none() -> None:
    given = records({DAY: [row(1, credits=[{"name": "x", "type": "PROMOTION"}])]})
    assert cost_rows(given, ALL).is_empty()
    assert [rejection.field for rejection in given.rejections] == ["credits[].amount"]


def test_a_day_without_rows_is_a_day_of_nothing_in_no_currency() -> None:
    assert daily_cost_rows(records({DAY: []})).select("activity_date", "billed_currency", "amount_usd").rows() == [
        (DAY, None, Decimal(0))
    ]


# The samples.


@pytest.mark.parametrize("name", ["billing_export_rows", "billing_export_detailed_rows"])
def test_every_sample_is_read_whole(name: str) -> None:
    sent = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    days: dict[date, list[Any]] = {}
    for one in sent:
        days.setdefault(date.fromisoformat(one["usage_start_time"][:10]), []).append(one)
    given = records(days)
    rows = cost_rows(given, ALL)
    assert not given.rejections
    assert rows.height == sum(1 + len(one["credits"]) for one in sent)
    for currency in ("USD", "EUR"):
        exact = sum(
            (
                Decimal(repr(amount))
                for one in sent
                if one["currency"] == currency
                for amount in (one["cost"], *(part["amount"] for part in one["credits"]))
            ),
            Decimal(0),
        )
        assert sum(rows.filter(rows["billed_currency"] == currency)["billed_amount"], Decimal(0)) == exact
    assert rows.filter(rows["platform"].is_null())["charge_type"].unique().to_list() in ([], ["tax"])


def test_of_the_columns_that_are_asked_for_none_is_unknown() -> None:
    from ai_usage.providers.google.billing_export import COLUMNS, PROJECT_FIELDS  # noqa: PLC0415 - slow to import

    for one in json.loads((FIXTURES / "billing_export_rows.json").read_text(encoding="utf-8")):
        asked = {name: value for name, value in one.items() if name in COLUMNS}
        asked["project"] = {name: (one["project"] or {}).get(name) for name in PROJECT_FIELDS}
        assert drift([json.dumps(asked)], ExportRow) == {}
    assert set(ExportRow.__struct_fields__) == set(COLUMNS)
