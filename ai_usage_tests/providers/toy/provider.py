"""A toy provider: each day it bills two people for their use of Playroom."""

import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import msgspec
import polars as pl

from ai_usage.accounts import AccountFields, Credential, account_names
from ai_usage.ingest.cadence import Cadence
from ai_usage.ingest.day_replacement import rebuild
from ai_usage.ingest.ledger_writes import InWarehouse, Report, Source, pull_report
from ai_usage.layers import daily_asset
from ai_usage.money import usd
from ai_usage.providers.probe import Probe
from ai_usage.providers.provider import Bill, CoreTables, Gate, Platform, Provider
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, day, dollars, raw_table, string

SOURCE = Source(resource="toy", key_variable="TOY_KEY", provider="Toy")
FIELDS = AccountFields(
    "toy",
    (Credential("key", "TOY_KEY", "default", lambda _: "TOY_KEY" in os.environ),),
    lambda _: "https://toy.example.com",
)
BILL = raw_table("toy_bill")
COSTS = Table(
    name="toy_costs",
    grain="what one person is billed for one UTC day",
    key=("activity_date", "user_email"),
    columns={"activity_date": day("the UTC day"), "user_email": string("who"), "amount_usd": dollars("billed")}
    | ACCOUNT_STAMPS,
)


class Line(msgspec.Struct):
    """One line of the bill; the amount is in cents."""

    user: str
    cents: str


class Toy:
    """A client that needs no network."""

    requests, is_simulated, account = 0, False, "default"

    def bill(self, span: Any) -> list[Answer]:
        lines = [b'{"user":"ada@example.com","cents":"1250"}', b'{"user":"bob@example.com","cents":"50"}']
        return [Answer("toy", of_day, lines, 1, {}) for of_day in span.days]

    def close(self) -> None:
        """Does nothing: no connection is open."""


REPORT: Report[Toy] = Report(pull="toy_bill", name="bill", ask=Toy.bill)


def cost_rows(records: Records) -> pl.DataFrame:
    read = records.read(Line)
    who, amounts = [line.user for line in read.values], [usd(cents=Decimal(line.cents)) for line in read.values]
    return COSTS.frame({"activity_date": read.days, "user_email": who, "amount_usd": amounts, **read.stamps()})


@daily_asset("raw", BILL, group="raw_toy", kinds={"api"})
def toy_bill(context: dg.AssetExecutionContext, toy: dg.ResourceParam[Any], warehouse: InWarehouse) -> None:
    """The bill, line by line, as sent."""
    pull_report(context, SOURCE, toy, warehouse, REPORT, at_most=31)


@daily_asset("core", COSTS, group="core", kinds={"polars"}, deps=[toy_bill])
def toy_costs(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The bill's lines, in USD."""
    rebuild(context, warehouse, COSTS, pull="toy_bill", shape=cost_rows)


TOY = Provider(
    key="toy",
    name="Toy",
    publisher="Toy Publishing",
    invoice_issuer="Toy Billing",
    platforms=(Platform("playroom", "Playroom", "Playroom Cloud"),),
    source=SOURCE,
    account_fields=FIELDS,
    open=lambda *_: Toy(),
    daily_pulls={"toy_bill": Line},
    snapshot_pulls={},
    bill=Bill("toy_bill", lambda records: cost_rows(records).with_columns(workspace_id=pl.lit(None, dtype=pl.String))),
    final_after_days=5,
    gate=Gate(provider="toy", pulls=("toy_bill",), billing=("toy_bill",), checks=()),
    cadences=(
        Cadence(
            name="toy",
            daily=("toy_bill",),
            asked_by=("toy_bill",),
            settles=timedelta(hours=1),
            window=3,
            warns=timedelta(hours=30),
            is_configured=lambda of: bool(account_names(of, FIELDS, "key")),
            key_variable="TOY_KEY",
        ),
    ),
    tables=(BILL, COSTS),
    assets=[toy_bill, toy_costs],
    probe=Probe(title="Toy", hint="Set TOY_KEY.", keys=(), reports={"toy_bill": REPORT}, quota="none."),
    core=(CoreTables((COSTS,), ("toy_bill",), counted=("toy_bill",), unique=(COSTS,)),),
)
