"""What the rest of the platform knows about a provider: one `Provider` record each, listed in `registry`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
import polars as pl

from ai_usage.ingest.cadence import Cadence
from ai_usage.ingest.ledger_writes import Source
from ai_usage.providers.directory import Keys, People
from ai_usage.providers.summary import Summarize
from ai_usage.warehouse.ledger import Records
from ai_usage.warehouse.table import Table


@dataclass(frozen=True)
class Platform:
    """A product that people use and that money is spent on."""

    key: str  # in `ai_spend.platform`
    name: str  # for people
    service_name: str  # FOCUS ServiceName
    is_coding_tool: bool = False  # whether lines, commits or pull requests come of it


@dataclass(frozen=True)
class Bill:
    """The pull that is the bill. `lines` reads it: activity_date, workspace_id (null in a bill without sub-accounts)
    and amount_usd of each billed line. What it cannot read is then among the records' `rejections`.
    """

    pull: str
    lines: Callable[[Records], pl.DataFrame]


@dataclass(frozen=True)
class Gate:
    """What a day of the provider must have before it may reach the marts: these reports pulled, every record of the
    `billing` ones readable, each row of these tables there once, and these checks passed.
    """

    pulls: tuple[str, ...]
    billing: tuple[str, ...]
    checks: tuple[str, ...]
    tables: tuple[Table, ...] = field(default=(), compare=False)  # a table has no hash


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One provider. Everything that spans providers loops over these records."""

    key: str  # in every column `provider`, and the name of its folders
    name: str  # for people; FOCUS ProviderName
    publisher: str  # FOCUS PublisherName
    invoice_issuer: str  # FOCUS InvoiceIssuerName
    platforms: tuple[Platform, ...]
    source: Source
    daily_pulls: Mapping[str, type]  # pull → the struct its records are
    snapshot_pulls: Mapping[str, type]
    optional_pulls: Collection[str] = ()  # where plan and scope include them
    where_needed: Collection[str] = ()  # daily pulls that few days need
    bill: Bill
    final_after_days: int  # until then the provider may restate a day
    gate: Gate
    cadences: tuple[Cadence, ...]
    tables: tuple[Table, ...]  # raw, then core
    assets: Sequence[dg.AssetsDefinition]
    summary: Summarize = lambda _, __: ()  # what it adds to the demo's summary
    also_called: tuple[str, ...] = ()  # what people write for it in the sheet, beside its key and name
    people: People | None = None  # where it lists its members
    keys: Keys | None = None  # where it lists API keys
    billing_account_type: str = "Organization"  # FOCUS BillingAccountType
    sub_account_type: str = "Workspace"  # FOCUS SubAccountType
    bills_own_seats: bool = False  # whether its `spend.sql` bills seats; if not, those of the sheet are billed
