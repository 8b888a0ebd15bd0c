"""The Cloud Billing export's columns, and a row of the bill in them, converted to the account's currency."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from ai_usage.simulator.google_company import GoogleCompany
from ai_usage.simulator.google_prices import sku_id
from ai_usage.simulator.google_uses import BillRow, Credit

Columns = dict[str, Any]  # name → its type; a dict for a record, a list of one for a repeated record

PAIRS = [{"key": "STRING", "value": "STRING"}]
STANDARD: Columns = {
    "billing_account_id": "STRING",
    "service": {"id": "STRING", "description": "STRING"},
    "sku": {"id": "STRING", "description": "STRING"},
    "usage_start_time": "TIMESTAMP",
    "usage_end_time": "TIMESTAMP",
    "project": {
        "id": "STRING",
        "number": "STRING",
        "name": "STRING",
        "labels": PAIRS,
        "ancestry_numbers": "STRING",
        "ancestors": [{"resource_name": "STRING", "display_name": "STRING"}],
    },
    "labels": PAIRS,
    "system_labels": PAIRS,
    "location": {"location": "STRING", "country": "STRING", "region": "STRING", "zone": "STRING"},
    "tags": [{"key": "STRING", "value": "STRING", "inherited": "BOOLEAN", "namespace": "STRING"}],
    "cost": "FLOAT",
    "currency": "STRING",
    "currency_conversion_rate": "FLOAT",
    "usage": {
        "amount": "FLOAT",
        "unit": "STRING",
        "amount_in_pricing_units": "FLOAT",
        "pricing_unit": "STRING",
    },
    "credits": [{"name": "STRING", "amount": "FLOAT", "full_name": "STRING", "id": "STRING", "type": "STRING"}],
    "invoice": {"month": "STRING", "publisher_type": "STRING"},
    "cost_type": "STRING",
    "adjustment_info": {"id": "STRING", "description": "STRING", "mode": "STRING", "type": "STRING"},
    "export_time": "TIMESTAMP",
    "cost_at_list": "FLOAT",
    "transaction_type": "STRING",
    "seller_name": "STRING",
    "subscription": {"instance_id": "STRING"},
}
DETAILED: Columns = STANDARD | {
    "resource": {"name": "STRING", "global_name": "STRING"},
    "price": {
        "effective_price": "FLOAT",
        "tier_start_amount": "FLOAT",
        "unit": "STRING",
        "pricing_unit_quantity": "FLOAT",
        "list_price": "FLOAT",
        "effective_price_default": "FLOAT",
        "list_price_consumption_model": "FLOAT",
    },
    "consumption_model": {"id": "STRING", "description": "STRING"},
    "cost_at_effective_price_default": "FLOAT",
    "cost_at_list_consumption_model": "FLOAT",
}
BYTES = {"STRING": 24, "TIMESTAMP": 8, "FLOAT": 8, "BOOLEAN": 1}  # of a value, about
MONTH_RATES = ("0.92", "0.935", "0.925", "0.94")  # euros for a dollar, month by month
EURO = "EUR"


def rate(currency: str, month: datetime) -> Decimal:
    """What Google's rows have as `currency_conversion_rate`: units of the currency for a dollar."""
    return Decimal(MONTH_RATES[month.month % len(MONTH_RATES)]) if currency == EURO else Decimal(1)


def row_bytes(kind: Any) -> int:
    """The bytes that BigQuery reads for a column of one row."""
    if isinstance(kind, dict):
        return sum(map(row_bytes, kind.values()))
    return row_bytes(kind[0]) if isinstance(kind, list) else BYTES[kind]


def exported(company: GoogleCompany, row: BillRow, currency: str) -> dict[str, Any]:
    """The row with all columns, as JSON; amounts are exact decimal texts."""
    exchange = rate(currency, row.start)
    cost = str(row.usd * exchange)
    return {
        "billing_account_id": company.billing_account_id,
        "service": row.service._asdict(),
        "sku": {"id": sku_id(row.sku), "description": row.sku},
        "usage_start_time": _instant(row.start),
        "usage_end_time": _instant(row.end),
        "project": _project(company, row.project_id),
        "labels": [{"key": key, "value": value} for key, value in row.labels],
        "system_labels": [],
        "location": {"location": row.location, "region": row.location if row.location != "global" else None},
        "tags": [],
        "cost": cost,
        "currency": currency,
        "currency_conversion_rate": str(exchange),
        "usage": {
            "amount": str(row.amount),
            "unit": row.unit,
            "amount_in_pricing_units": str(row.amount),
            "pricing_unit": row.unit,
        },
        "credits": [_credit(credit, exchange) for credit in row.credits],
        "invoice": {"month": row.invoice_month, "publisher_type": "GOOGLE"},
        "cost_type": row.cost_type,
        "adjustment_info": row.adjustment and _adjustment(row.adjustment),
        "export_time": _instant(row.exported_at),
        "cost_at_list": cost,
        "transaction_type": row.seller,
        "seller_name": "Google" if row.seller == "GOOGLE" else "Simulated partner",
        "subscription": row.subscription and {"instance_id": row.subscription},
        "resource": row.resource and {"name": row.resource.rsplit("/", 1)[1], "global_name": row.resource},
        "price": _price(row, exchange) if row.amount else None,
        "consumption_model": {"id": "simulated", "description": "Default"},
        "cost_at_effective_price_default": cost,
    }


def _project(company: GoogleCompany, project_id: str | None) -> dict[str, Any] | None:
    project = company.project(project_id) if project_id else None
    if project is None:
        return None
    above = {"resource_name": "organizations/111111111111", "display_name": "example.com"}
    itself = {"resource_name": f"projects/{project.number}", "display_name": project.id}
    return {"id": project.id, "number": project.number, "name": project.id, "labels": [], "ancestors": [itself, above]}


def _price(row: BillRow, exchange: Decimal) -> dict[str, Any]:
    price = str(row.usd * exchange / row.amount)
    unit = {"unit": row.unit, "pricing_unit_quantity": "1", "tier_start_amount": "0"}
    return unit | dict.fromkeys(("effective_price", "list_price", "effective_price_default"), price)


def _credit(credit: Credit, exchange: Decimal) -> dict[str, Any]:
    credit_id = credit.name.lower().replace(" ", "-")
    named = {"name": credit.name, "full_name": credit.name, "id": credit_id, "type": credit.type}
    return {**named, "amount": str(credit.usd * exchange)}


def _adjustment(mode: str) -> dict[str, Any]:
    named = {"id": f"simulated-{mode.lower()}", "description": "Simulated correction"}
    return {**named, "mode": mode, "type": "USAGE_CORRECTION"}


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
