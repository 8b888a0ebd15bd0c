"""The lists that a provider has beside its bill: members of its accounts, their teams there, and API keys."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Readable
from ai_usage.warehouse.table import Table


class Stamp(NamedTuple):
    """The pull that something is known from."""

    pull_id: str
    pulled_at: datetime


@dataclass(frozen=True)
class Member:
    """One user whom an account lists. `is_member` is False of one who is listed as removed."""

    account: str
    account_user_id: str | None
    user_email: str
    name: str | None
    is_member: bool
    stamp: Stamp


@dataclass(frozen=True)
class Placement:
    """The team that the provider itself places an address in, by one of its pulls."""

    user_email: str
    team_name: str
    pull: str
    stamp: Stamp


@dataclass(frozen=True)
class ListedKey:
    """One API key that an account lists."""

    account: str
    api_key_id: str
    name: str | None
    workspace_id: str | None
    status: str | None
    creator_email: str | None
    stamp: Stamp
    is_of_service_account: bool = False  # made by one, or its own: it never had a person as its creator


def _no_placements(_: Warehouse) -> Iterable[Placement]:
    return ()


@dataclass(frozen=True)
class People:
    """The members that a provider's accounts list, and their teams; read from these pulls. Members without an address
    are not included. Rejected records are kept in `record_rejections`.
    """

    pulls: tuple[str, ...]
    members: Callable[[Warehouse], Iterable[Member]]
    placements: Callable[[Warehouse], Iterable[Placement]] = _no_placements


@dataclass(frozen=True)
class Keys:
    """The API keys that a provider lists, read from these pulls, the list itself first. `used_in` are the tables with
    an `api_key_id` that shows that a key exists, listed or not.
    """

    pulls: tuple[str, ...]
    listed: Callable[[Warehouse], Iterable[ListedKey]]
    used_in: tuple[Table, ...] = field(default=(), compare=False)  # a table has no hash
    takes_unnamed: bool = False  # a key of the sheet without a provider, which no provider lists, is this one's


class AccountName(NamedTuple):
    """The organization, team or the like behind an account, as the provider calls it."""

    id: str
    name: str | None


@dataclass(frozen=True)
class Accounts:
    """A provider's names of its accounts, read from these pulls; without accounts that it does not name."""

    pulls: tuple[str, ...]
    names: Callable[[Warehouse], Mapping[str, AccountName]]


def stamps(records: Readable[Any]) -> list[Stamp]:
    """The stamp of each value that was read."""
    return [Stamp(*row) for row in records.lines.select("pull_id", "ingestion_timestamp").iter_rows()]
