"""What the rest of the platform knows about a provider: one `Provider` record each, listed in `registry`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import polars as pl

from ai_usage.accounts import Account, AccountFields
from ai_usage.check import Check
from ai_usage.ingest.cadence import Cadence
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.ledger_writes import Source
from ai_usage.providers.directory import Accounts, Keys, People
from ai_usage.providers.probe import Probe
from ai_usage.providers.summary import Summarize
from ai_usage.settings import Settings
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import Table


@dataclass(frozen=True)
class Platform:
    """A product that people use and that money is spent on."""

    key: str  # in `ai_spend.platform`
    name: str  # for people
    service_name: str  # FOCUS ServiceName
    is_coding_tool: bool = False  # whether it makes lines, commits or pull requests


@dataclass(frozen=True)
class Bill:
    """The pull that is the bill. `lines` reads it: activity_date, workspace_id (null in a bill without sub-accounts)
    and amount_usd of each billed line. What it cannot read is then among the records' `rejections`.
    """

    pull: str
    lines: Callable[[Records], pl.DataFrame]


@dataclass(frozen=True)
class Gate:
    """The conditions for a provider's day to reach the marts: these reports are pulled, all their records are in raw as
    pulled, every record of the `billing` ones is readable, each row of these tables exists once, and the provider's own
    checks passed.
    """

    provider: str
    pulls: tuple[str, ...]
    billing: tuple[str, ...]
    checks: tuple[Check, ...]  # its own, each with its query in `sql`
    tables: tuple[Table, ...] = field(default=(), compare=False)  # a table has no hash


@dataclass(frozen=True)
class CoreTables:
    """Core tables that are checked together, on the first of them, and the pulls their rows are of.

    `counted` are the pulls with one row of a table for each record, as the provider's `core_rows.sql` has them, so that
    a lost record is noticed. `unique` are the tables that are checked for rows with the same declared key.
    """

    tables: tuple[Table, ...]
    pulls: tuple[str, ...]
    counted: tuple[str, ...] = ()
    unique: tuple[Table, ...] = ()

    @property
    def first(self) -> Table:
        return self.tables[0]

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(f"core/{table.name}" for table in self.tables[1:])

    @property
    def unique_names(self) -> tuple[str, ...]:
        return tuple(table.name for table in self.unique)


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One provider. Everything that spans providers loops over these records."""

    key: str  # in every column `provider`, and the name of its folders
    name: str  # for people; FOCUS ProviderName
    publisher: str  # FOCUS PublisherName
    invoice_issuer: str  # FOCUS InvoiceIssuerName
    platforms: tuple[Platform, ...]
    source: Source
    account_fields: AccountFields
    open: Callable[[Account, Settings, Patience | None], Any]  # a client for one account, which has `close`
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
    other_resources: Mapping[str, Callable[[Settings], Any]] = field(default_factory=dict)  # beside the clients
    probe: Probe  # what `doctor` tries
    core: tuple[CoreTables, ...]  # the bill's first
    checks: Sequence[Check] = ()  # of this provider's data alone
    uploads: Mapping[str, Source] = field(default_factory=dict)  # daily pulls that read files which people upload
    envelope_fields: frozenset[str] = frozenset()  # that its contract names beside the records
    has_sub_accounts: bool = True  # whether its bill knows parts of an account, such as workspaces
    expense_marts: tuple[str, ...] = ()  # layer/table: the marts of its own that state what it billed
    estimated_meters: tuple[str, ...] = ()  # meters of ai_spend with estimated cost only
    estimates_sql: str = ""  # the query of days on which ai_spend has other estimates than may stand beside the bill
    summary: Summarize = lambda _, __: ()  # what it adds to the demo's summary
    also_called: tuple[str, ...] = ()  # what people write for it in the sheet, beside its key and name
    people: People | None = None  # where it lists its members
    keys: Keys | None = None  # where it lists API keys
    accounts: Accounts | None = None  # where it names the organization or team behind an account
    page: str = "docs/security.md"  # the page about it, or the one with what its keys must be allowed
    billing_account_type: str = "Organization"  # FOCUS BillingAccountType
    sub_account_type: str = "Workspace"  # FOCUS SubAccountType
    bills_own_seats: bool = False  # whether its `spend.sql` bills seats; if not, those of the sheet are billed

    def is_optional(self, pulls: Collection[str]) -> bool:
        """Whether plan or scope may lack these reports, so that days without them are no failure."""
        return bool(pulls) and all(pull in self.optional_pulls for pull in pulls)

    def optional_beside(self, pulls: Sequence[str]) -> tuple[str, ...]:
        """Those of some reports that plan or scope may lack, where others of them are needed."""
        optional = tuple(pull for pull in pulls if pull in self.optional_pulls)
        return () if self.is_optional(pulls) else optional

    @property
    def pulls_read(self) -> frozenset[str]:
        """The pulls with records that become rows of core: records that cannot be used are rejected there."""
        directories = [pull for of in (self.people, self.keys) if of for pull in of.pulls]
        return frozenset([*directories, *(pull for of in self.core for pull in of.pulls)])

    def read_by(self, of: CoreTables, pulls: Collection[str]) -> tuple[str, ...]:
        """The pulls with rejections that are reported for these tables: each pull for the first table that reads it."""
        earlier = {pull for other in self.core[: self.core.index(of)] for pull in other.pulls}
        return tuple(pull for pull in of.pulls if pull in pulls and pull not in earlier)
