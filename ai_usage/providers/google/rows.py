"""Turns Google's records into rows of core. Pure: records in, a frame out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from ai_usage.money import NO_RATES, WIDE, Rates, currency_name, nine_decimals, rounded_together
from ai_usage.providers.google.billed_services import Rule, Services
from ai_usage.providers.google.records import Credit, ExportRow, Label
from ai_usage.providers.google.skus import SEAT, Sku, sku_of, unit_of
from ai_usage.providers.google.tables import GEMINI_COSTS, GEMINI_DAILY_COST
from ai_usage.warehouse.reading.ledger_records import Readable, Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS

SUBSCRIBED = "gemini_code_assist"  # the platform that is billed by seats


@dataclass(frozen=True)
class Piece:
    """The cost of a row, or one credit of it: `place` is the row's among those that were read."""

    place: int
    row: ExportRow
    rule: Rule | None
    sku: Sku
    amount: Decimal
    usd: Decimal
    list_usd: Decimal | None  # of the row's cost
    credit: Credit | None

    @property
    def platform(self) -> str | None:
        return (self.rule and self.rule.platform) or None

    @property
    def is_subscription(self) -> bool:
        return self.platform == SUBSCRIBED and not self.row.is_tax

    @property
    def charge_type(self) -> str:
        if self.row.is_tax:
            return "tax"
        if self.credit is not None:
            return "credit"
        return "subscription" if self.is_subscription else "usage"

    @property
    def meter(self) -> str:
        return SEAT if self.is_subscription else self.sku.meter

    @property
    def quantity(self) -> Decimal | None:
        used = self.row.usage
        return None if self.credit is not None or used is None or used.amount is None else nine_decimals(used.amount)

    @property
    def unit(self) -> str | None:
        return None if self.quantity is None or self.row.usage is None else unit_of(self.meter, self.row.usage.unit)


def cost_rows(records: Records, services: Services, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `gemini_costs`: one per record, and one per credit of it. Of each account and day the rounded amounts add
    up to the exact sum, rounded once, in the billed currency and in USD.
    """
    read = records.read(ExportRow, rates)
    pieces = list(_pieces(read, services, rates))
    pull_ids = read.lines["pull_id"].to_list()
    by_day = [pull_ids[piece.place] for piece in pieces]
    currencies = [currency_name(piece.row.currency) for piece in pieces]
    by_currency = list(zip(by_day, currencies, strict=True))
    lines = read.lines.select("activity_date", *ACCOUNT_STAMPS)[[piece.place for piece in pieces]]
    projects = [piece.row.project for piece in pieces]
    return GEMINI_COSTS.frame(
        {
            "activity_date": lines["activity_date"],
            "billing_account_id": [piece.row.billing_account_id for piece in pieces],
            "project_id": [of and of.id for of in projects],
            "project_name": [of and of.name for of in projects],
            "platform": [piece.platform for piece in pieces],
            "rule_name": [piece.rule and piece.rule.name for piece in pieces],
            "service_id": [piece.row.service.id for piece in pieces],
            "service_name": [piece.row.service.description for piece in pieces],
            "sku_id": [piece.row.sku.id for piece in pieces],
            "sku_name": [piece.row.sku.description for piece in pieces],
            "model": [piece.sku.model for piece in pieces],
            "meter": [piece.meter for piece in pieces],
            "service_tier": [piece.sku.service_tier for piece in pieces],
            "cost_type": [piece.row.cost_type or "regular" for piece in pieces],
            "charge_type": [piece.charge_type for piece in pieces],
            "credit_type": [piece.credit and (piece.credit.type or "unknown") for piece in pieces],
            "credit_name": [piece.credit and (piece.credit.full_name or piece.credit.name) for piece in pieces],
            "adjustment_mode": [of and of.mode for of in (piece.row.adjustment_info for piece in pieces)],
            "invoice_month": [of and of.month for of in (piece.row.invoice for piece in pieces)],
            "billed_amount": _rounded_within([piece.amount for piece in pieces], by_currency),
            "billed_currency": currencies,
            "usd_rate": [_numeric(piece.row.currency_conversion_rate) for piece in pieces],
            "amount_usd": _rounded_within([piece.usd for piece in pieces], by_day),
            "list_usd": _rounded_within([piece.list_usd for piece in pieces], by_day),
            "quantity": [piece.quantity for piece in pieces],
            "unit": [piece.unit for piece in pieces],
            **_labels(pieces, services),
            "exported_at": [piece.row.export_time for piece in pieces],
            **{name: lines[name] for name in ACCOUNT_STAMPS},
        }
    )  # fmt: skip


def daily_cost_rows(records: Records, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `gemini_daily_cost`, one per day that was pulled and currency. A day with a row that cannot be used has
    none: a sum without it would be no total.
    """
    read = records.read(ExportRow, rates)
    unusable = {rejection.pull_id for rejection in records.rejections}
    found: dict[str, dict[str | None, list[ExportRow]]] = {
        pull_id: {} for pull_id in records.versions["pull_id"] if pull_id not in unusable
    }
    for pull_id, row in zip(read.lines["pull_id"], read.values, strict=True):
        if pull_id in found:
            found[pull_id].setdefault(currency_name(row.currency), []).append(row)
    stamps = records.versions.rename({"pulled_at": "ingestion_timestamp"})
    rows = [
        {**day, "billed_currency": currency, **_sums(of_currency, rates, day["activity_date"])}
        for day in stamps.select("activity_date", *ACCOUNT_STAMPS).to_dicts()
        if day["pull_id"] in found
        for currency, of_currency in (found[day["pull_id"]] or {None: []}).items()
    ]
    return GEMINI_DAILY_COST.frame({name: [row[name] for row in rows] for name in GEMINI_DAILY_COST.columns})


def _pieces(read: Readable[ExportRow], services: Services, rates: Rates) -> Iterator[Piece]:
    for place, (row, day) in enumerate(zip(read.values, read.days.to_list(), strict=True)):
        rule = None if row.is_tax else services.rule_of(row.service.id, row.service.description, row.sku.description)
        sku = sku_of(row.sku.description)
        at_list = None if row.cost_at_list is None or row.is_tax else _usd(row, row.cost_at_list, day, rates)
        yield Piece(place, row, rule, sku, row.cost, _usd(row, row.cost, day, rates), at_list, None)
        for credit in row.credits or ():
            yield Piece(place, row, rule, sku, credit.amount, _usd(row, credit.amount, day, rates), None, credit)


def _usd(row: ExportRow, amount: Decimal, day: date | None, rates: Rates) -> Decimal:
    """Dollars of an amount of a row that has a rate: a row without one is rejected before."""
    usd = row.usd(amount, day, rates)
    if usd is None:
        raise ValueError(f"{row.currency} has no rate to USD on {day}")
    return usd


def _sums(rows: Sequence[ExportRow], rates: Rates, day: date) -> dict[str, Any]:
    """The sums of one day's rows in one currency, exact, rounded once."""
    billed = [amount for row in rows if not row.is_tax for amount in row.amounts]
    taxes = [amount for row in rows if row.is_tax for amount in row.amounts]
    billed_usd = [_usd(row, amount, day, rates) for row in rows if not row.is_tax for amount in row.amounts]
    taxes_usd = [_usd(row, amount, day, rates) for row in rows if row.is_tax for amount in row.amounts]
    return {
        "export_rows": len(rows),
        "credit_count": len(billed) + len(taxes) - len(rows),
        "billed_amount": _sum(billed),
        "tax_amount": _sum(taxes),
        "amount_usd": _sum(billed_usd),
        "tax_usd": _sum(taxes_usd),
    }


def _labels(pieces: Sequence[Piece], services: Services) -> Mapping[str, list[str | None]]:
    """What the labels of each row's use name as team and person, else those of its project."""
    found: list[tuple[str | None, str | None]] = []
    for piece in pieces:
        row = piece.row
        labels = [*(row.labels or ()), *((row.project and row.project.labels) or ())]
        found.append((_labelled(labels, services.team_labels), _labelled(labels, services.person_labels)))
    return {"label_team": [team for team, _ in found], "user_name": [person for _, person in found]}


def _labelled(labels: Iterable[Label], keys: Sequence[str]) -> str | None:
    """The value of the first label with one of the keys."""
    return next((label.value for label in labels if label.key in keys and label.value), None)


def _rounded_within(amounts: Sequence[Decimal | None], groups: Sequence[Any]) -> list[Decimal | None]:
    """Amounts to nine decimals, those of each group together."""
    places: dict[Any, list[int]] = {}
    for place, group in enumerate(groups):
        places.setdefault(group, []).append(place)
    rounded: list[Decimal | None] = [None] * len(amounts)
    for of_group in places.values():
        for place, amount in zip(of_group, rounded_together([amounts[place] for place in of_group]), strict=True):
            rounded[place] = amount
    return rounded


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = WIDE.add(total, amount)
    return nine_decimals(total)


def _numeric(value: Decimal | None) -> Decimal | None:
    return None if value is None else nine_decimals(value)
