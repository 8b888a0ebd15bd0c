"""Lines of providers' invoices that people wrote into the sheet, current and former ones."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import dagster as dg

from ai_usage.core.sheet_history import KnownRow, history_rows, rows_ever_seen
from ai_usage.core.sheets import checked
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.money import EXACT, USD, Rates, nine_decimals, read_rates
from ai_usage.settings import settings
from ai_usage.sheet import tabs
from ai_usage.sheet.cells import period_days
from ai_usage.sheet.newest import read_newest
from ai_usage.warehouse.table import STAMPS, Table, day, dollars, instant, integer, numeric, string

INVOICES = Table(
    name="invoices",
    grain="one line of a provider's invoice for one period, as it is or was in the sheet",
    question="Which invoices are in the sheet?",
    example="select provider, invoice_id, period_start, period_end, covers, amount, currency, amount_usd from "
    "ai_usage_analytics.invoices where removed_at is null order by period_start, provider, invoice_id, covers",
    date_column=None,
    columns={
        "row_number": integer("in the tab invoices"),
        "provider": string("the provider", required=True),
        "account": string("its account, as in dim_account; null is all of them together"),
        "invoice_id": string("the invoice's number, as it is printed", required=True),
        "period_start": day("the first day that the line is for"),
        "period_end": day("exclusive"),
        "covers": string("usage, seats, tax or credits", required=True),
        "line": string("which line, where several of an invoice cover the same"),
        "amount": dollars("in the invoice's currency; a credit is negative"),
        "currency": string("of the invoice, as ISO 4217 has it", required=True),
        "usd_per_unit": numeric("the rate on the period's last day; null where no rate is known"),
        "amount_usd": dollars("amount in USD by that rate; null where no rate is known", required=False),
        "not_comparable_reason": string("why the line cannot be compared; null if it can"),
        "note": string("in the writer's words"),
        "first_seen_at": instant("the first pull of the tab with this line and amount", required=True),
        "removed_at": instant("the first pull of the tab without it; null while it is in the sheet"),
        **STAMPS,
    },
)

LINE = ("provider", "account", "invoice_id", "period", "covers", "line", "amount", "currency")


@snapshot_asset("core", INVOICES, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["raw", tabs.INVOICES.pull])])
def invoices(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Lines of invoices, which the month close reconciles by kind of cost, in USD where their currency has a rate."""
    tab = tabs.INVOICES
    with warehouse.connected():
        if (read := read_newest(warehouse, tab)) is None:
            return note(context, "core/invoices", None, skipped=f"raw/{tab.pull} was never pulled")
        checked(tab, read[1])
        rates = read_rates(settings().currency_rates)
        lines = [in_usd(one, rates) for one in rows_ever_seen(warehouse, tab, LINE)]
        warehouse.replace_all(INVOICES, rows := history_rows(INVOICES, lines))
    left_out = len({rejection.row_number for rejection in read[1].rejections})
    in_sheet = rows["removed_at"].null_count()
    return note(context, "core/invoices", None, **{"dagster/row_count": in_sheet}, rows_left_out=left_out)


def in_usd(line: KnownRow, rates: Rates) -> KnownRow:
    """A line of the tab with its days, and with its amount in USD by the rate of the last of them."""
    first, end = period_days(line.row["period"])
    currency = line.row["currency"] or USD
    rate = rates.usd_per_unit(currency, end - timedelta(days=1))
    usd, reason = _converted(line.row["amount"], rate)
    if rate is None:
        reason = f"{currency} has no rate to USD on {end - timedelta(days=1)}: AI_USAGE_CURRENCY_RATES names none"
    found = {"amount_usd": usd, "usd_per_unit": rate, "not_comparable_reason": reason, "currency": currency}
    return replace(line, row={**line.row, "period_start": first, "period_end": end, **found})


def _converted(amount: Decimal, rate: Decimal | None) -> tuple[Decimal | None, str | None]:
    """An amount in USD; without one, why not."""
    try:
        return (None if rate is None else nine_decimals(EXACT.multiply(amount, rate))), None
    except ValueError:
        return None, "its amount in USD is more than any amount"


ASSETS = [invoices]
