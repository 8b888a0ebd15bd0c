"""What a row of the billing export means: its columns, and the values they are known to take.

Source: Google's description of the standard and the detailed table of the Cloud Billing export. Amounts are units of
the row's currency, not cents, as JSON numbers. Only what money needs is promised: older tables lack columns.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import USD, WIDE, Rates, currency_name
from ai_usage.warehouse.reading.field_types import Carries, Dollars, Id, Instant, InstantOfDay, Unfit

CostType = Annotated[str, Known("regular", "tax", "adjustment", "rounding_error")]
CreditType = Annotated[
    str,
    Known(
        "COMMITTED_USAGE_DISCOUNT",
        "COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE",
        "DISCOUNT",
        "FEE_UTILIZATION_OFFSET",
        "FREE_TIER",
        "PROMOTION",
        "RESELLER_MARGIN",
        "SUBSCRIPTION_BENEFIT",
        "SUSTAINED_USAGE_DISCOUNT",
    ),
]
AdjustmentMode = Annotated[
    str,
    Known(
        "PARTIAL_CORRECTION",
        "COMPLETE_NEGATION",
        "COMPLETE_NEGATION_WITH_REMONETIZATION",
        "MANUAL_ADJUSTMENT",
    ),
]


class Named(msgspec.Struct, frozen=True):
    """A service or a SKU."""

    id: Id | None = None
    description: str | None = None


class Label(msgspec.Struct, frozen=True):
    key: str | None = None
    value: str | None = None


class Tag(msgspec.Struct, frozen=True):
    key: str | None = None
    value: str | None = None
    inherited: bool | None = None
    namespace: str | None = None


class Project(msgspec.Struct, frozen=True):
    """Null, or with null ids, on taxes, some adjustments and subscriptions."""

    id: Id | None = None
    number: Id | None = None
    name: str | None = None
    labels: list[Label] | None = None


class Usage(msgspec.Struct, frozen=True):
    amount: Decimal | None = None
    unit: str | None = None
    amount_in_pricing_units: Decimal | None = None
    pricing_unit: str | None = None


class Credit(msgspec.Struct, frozen=True):
    """A part of the row's cost that is not paid: its amount is negative."""

    amount: Dollars
    type: CreditType | None = None
    name: str | None = None
    id: str | None = None
    full_name: str | None = None


class Invoice(msgspec.Struct, frozen=True):
    month: str | None = None  # YYYYMM; of a late row another one than that of the use
    publisher_type: str | None = None


class Adjustment(msgspec.Struct, frozen=True):
    id: str | None = None
    description: str | None = None
    mode: AdjustmentMode | None = None
    type: str | None = None


class Subscription(msgspec.Struct, frozen=True):
    instance_id: str | None = None


class ExportRow(msgspec.Struct, frozen=True):
    """One row of the export: what one SKU cost in an hour of use, or a tax, a correction or a subscription's month."""

    cost: Dollars  # before credits
    currency: Annotated[str, Carries.CURRENCY]
    usage_start_time: InstantOfDay
    service: Named
    sku: Named
    billing_account_id: Id | None = None
    usage_end_time: Instant | None = None
    project: Project | None = None
    labels: list[Label] | None = None
    tags: list[Tag] | None = None
    currency_conversion_rate: Annotated[Decimal | None, Carries.MONEY] = None  # units of the currency for a dollar
    usage: Usage | None = None
    credits: Annotated[list[Credit] | None, Carries.MONEY] = None
    invoice: Invoice | None = None
    cost_type: CostType | None = None
    adjustment_info: Adjustment | None = None
    export_time: Instant | None = None
    cost_at_list: Annotated[Decimal | None, Carries.MONEY] = None
    transaction_type: str | None = None
    seller_name: str | None = None
    subscription: Subscription | None = None

    @property
    def is_tax(self) -> bool:
        return self.cost_type == "tax"

    @property
    def amounts(self) -> Iterator[Decimal]:
        """The cost, and each credit, in the row's currency."""
        yield self.cost
        for credit in self.credits or ():
            yield credit.amount

    def usd(self, amount: Decimal, day: date | None, rates: Rates) -> Decimal | None:
        """Dollars of an amount in the row's currency, to the last digit: by the row's own rate, else by the settings'.
        None where there is no rate.
        """
        if currency_name(self.currency) == USD:
            return amount
        if (rate := self.currency_conversion_rate) is not None and rate.is_finite() and rate > 0:
            return WIDE.divide(amount, rate)
        per_unit = rates.usd_per_unit(self.currency, day)
        return None if per_unit is None else WIDE.multiply(amount, per_unit)

    @staticmethod
    def are_all_fit(rows: Sequence["ExportRow"]) -> bool:
        return all(row.unfit(None, Rates()) is None for row in rows)

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        """A row is of no use without a rate to USD."""
        if self.usd(self.cost, day, rates) is not None:
            return None
        name = currency_name(self.currency)[:12]
        why = f"is not known, and {name} has no rate to USD: AI_USAGE_CURRENCY_RATES names none"
        return Unfit("currency_conversion_rate", why, "absent")
