"""Who closed which month, when, and with which figures. The command `close` writes an act into the ledger, with a
frozen copy of the month's figures; `reopen` writes another one. Acts are never changed: a month's newest act is in
force.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset, spec
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import STAMPS, Table, boolean, day, dollars, instant, raw_table, string

ACTS = "month_close_acts"
SOURCE = "finance"  # in the ledger: who answered
CLOSE, REOPEN = "close", "reopen"
MONTH_CLOSE_ACTS = raw_table(ACTS)
MONTH_CLOSES = Table(
    name="month_closes",
    grain="one act: a provider's month was closed, or reopened",
    question="Who closed or reopened which month, when, and why?",
    example="select month, provider, act, acted_by_email, acted_at, note from ai_usage_analytics.month_closes order by "
    "acted_at",
    date_column=None,
    columns={
        "month": string("YYYY-MM", required=True),
        "provider": string("as in dim_provider", required=True),
        "act": string("close or reopen", required=True),
        "acted_by_email": string("who did it, lower-case", required=True),
        "acted_at": instant("when", required=True),
        "note": string("in their words"),
        "is_in_force": boolean("whether it is the newest act of the month and provider", required=True),
        "is_unexplained_accepted": boolean("whether it was closed with an unexplained difference", required=True),
        "figure_usd": dollars("the console's figure then; null without one", required=False),
        "invoice_usd": dollars("the invoices then, all kinds of cost; null without one", required=False),
        "unexplained_usd": dollars("what no cause explained then; null where nothing was compared", required=False),
        **STAMPS,
    },
)
CLOSED_FIGURES = Table(
    name="closed_figures",
    grain="one kind of cost of one account on one UTC day, as it was when its month was closed",
    question="What did a month consist of when it was closed?",
    example="select month, provider, kind, sum(billed_usd) as billed_usd from ai_usage_analytics.closed_figures where "
    "is_in_force group by month, provider, kind order by month, provider, kind",
    date_column=None,
    columns={
        "month": string("YYYY-MM", required=True),
        "provider": string("as in dim_provider", required=True),
        "account": string("the account at the provider; null for seats of the sheet"),
        "activity_date": day("the UTC day"),
        "kind": string("usage, seats, credits or tax, as in billed_by_kind", required=True),
        "billed_usd": dollars("as it was then"),
        "is_in_force": boolean("whether the month is closed with this figure", required=True),
        **STAMPS,
    },
)


@dataclass(frozen=True)
class Frozen:
    """The amounts of one kind of cost of an account, by day (ISO), in USD as text."""

    account: str | None
    kind: str
    days: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Act:
    """That somebody closed or reopened a provider's month."""

    act: str
    month: str
    provider: str
    acted_by_email: str
    note: str | None = None
    is_unexplained_accepted: bool = False
    figure_usd: str | None = None
    invoice_usd: str | None = None
    unexplained_usd: str | None = None
    frozen: Sequence[Frozen] = field(default=())


def frozen_of(rows: Iterable[Mapping[str, Any]]) -> list[Frozen]:
    """The frozen copy of rows of `billed_by_kind`."""
    found: dict[tuple[str | None, str], dict[str, Decimal]] = {}
    for row in rows:
        days = found.setdefault((row["account"], row["kind"]), {})
        on = f"{row['activity_date']}"
        days[on] = days.get(on, Decimal(0)) + row["billed_usd"]
    return [
        Frozen(account, kind, {on: f"{usd:f}" for on, usd in sorted(days.items())})
        for (account, kind), days in sorted(found.items(), key=lambda item: (item[0][0] or "", item[0][1]))
    ]


def record(warehouse: Warehouse, acts: Sequence[Act], *, is_simulated: bool) -> None:
    """Write acts into the ledger: all of them or none."""
    records = [json.dumps(asdict(act), ensure_ascii=False, sort_keys=True).encode() for act in acts]
    warehouse.append(ACTS, [Answer(SOURCE, None, records, 1, {}, is_simulated=is_simulated, is_ordered=True)])


LEDGER = spec(
    "raw",
    MONTH_CLOSE_ACTS,
    group="raw_month",
    kinds={"duckdb"},
    description="Acts of closing and reopening months, with frozen copies of their figures. The commands write them.",
    daily=False,
)


@snapshot_asset("core", MONTH_CLOSES, group=GROUP, kinds=KINDS, deps=[LEDGER.key])
def month_closes(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Acts of closing and reopening months, from the ledger."""
    with warehouse.connected():
        rows = act_rows(read_acts(warehouse))
        warehouse.replace_all(MONTH_CLOSES, MONTH_CLOSES.frame(rows))
    note(context, "core/month_closes", None, **{"dagster/row_count": len(rows["month"])})


@snapshot_asset("core", CLOSED_FIGURES, group=GROUP, kinds=KINDS, deps=[LEDGER.key])
def closed_figures(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """The frozen copies of closed months, from the ledger."""
    with warehouse.connected():
        rows = figure_rows(read_acts(warehouse))
        warehouse.replace_all(CLOSED_FIGURES, CLOSED_FIGURES.frame(rows))
    note(context, "core/closed_figures", None, **{"dagster/row_count": len(rows["month"])})


def build_closes(warehouse: Warehouse) -> None:
    """Both tables, without a run."""
    acts = read_acts(warehouse)
    warehouse.replace_all(MONTH_CLOSES, MONTH_CLOSES.frame(act_rows(acts)))
    warehouse.replace_all(CLOSED_FIGURES, CLOSED_FIGURES.frame(figure_rows(acts)))


def read_acts(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Every act of the ledger with its stamps, oldest first, and whether it is in force."""
    lines = warehouse.history(ACTS).lines.select("pull_id", "ingestion_timestamp", "record")
    acts = [json.loads(text) | {"pull_id": of, "ingestion_timestamp": at} for of, at, text in lines.iter_rows()]
    newest = {(act["month"], act["provider"]): n for n, act in enumerate(acts)}
    return [act | {"is_in_force": newest[act["month"], act["provider"]] == n} for n, act in enumerate(acts)]


def act_rows(acts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of `month_closes`."""
    named = [{**act, "acted_at": act["ingestion_timestamp"]} for act in acts]
    money = ("figure_usd", "invoice_usd", "unexplained_usd")
    return {name: [_usd(act[name]) if name in money else act[name] for act in named] for name in MONTH_CLOSES.columns}


def figure_rows(acts: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Columns of `closed_figures`."""
    rows = [
        {**act, **of, "activity_date": date.fromisoformat(on), "billed_usd": _usd(usd)}
        for act in acts
        for of in act["frozen"]
        for on, usd in of["days"].items()
    ]
    return {name: [row[name] for row in rows] for name in CLOSED_FIGURES.columns}


def _usd(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


ASSETS = [month_closes, closed_figures]
