"""Asks every account of a provider in turn. One that fails does not affect the others, and notes name the account."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol, TypeAlias, TypeVar

import dagster as dg

from ai_usage.errors import AiUsageError, WarehouseError, interruption
from ai_usage.layers import SKIPPED, explained, note, reason

Noted = dict[str, Any]


class OfAccount(Protocol):
    """A client that asks for one account."""

    @property
    def account(self) -> str: ...


C = TypeVar("C", bound=OfAccount)
Clients: TypeAlias = C | Sequence[C] | None  # what a resource hands to a step: the client of each configured account


class Note(Protocol):
    """Adds a note to a day of `layer/table`; without a day, to all days of the run."""

    def __call__(self, asset: str, day: date | None, **metadata: Any) -> None: ...


class AccountsFailed(AiUsageError):
    """Some of a provider's accounts could not be pulled; the days of the others are written."""

    def __init__(self, provider: str, failures: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{provider} account {account}: {why}" for account, why in failures.items()))
        self.provider = provider
        self.failures = failures


def clients_of(resource: Clients[C]) -> list[C]:
    """The clients of a resource, in the order in which their accounts are asked."""
    if resource is None:
        return []
    return list(resource) if isinstance(resource, Sequence) else [resource]


def ask_each(
    context: dg.AssetExecutionContext, provider: str, clients: Sequence[C], ask: Callable[[C, Note], None]
) -> None:
    """Ask every account. If one fails, the others' days are written; then the step fails, and names it. An unusable
    warehouse, or a person who stops the run, ends it at once.
    """
    notes = Notes(context, [client.account for client in clients])
    failures: dict[str, str] = {}
    try:
        for client in clients:
            try:
                ask(client, notes.of(client.account))
            except WarehouseError:
                raise
            except Exception as error:
                if interruption(error) or len(clients) == 1:
                    raise
                failures[client.account] = reason(error)
                context.log.error("account %s: %s", client.account, explained(error))  # noqa: TRY400 - it is in there
    finally:
        notes.keep()
    if failures:
        raise AccountsFailed(provider, failures)


@dataclass
class Notes:
    """A step's notes about its days. If there are several accounts, each note's name has its account, numbers are also
    added up, and a day is skipped only if every account skipped it.
    """

    context: dg.AssetExecutionContext
    accounts: Sequence[str]
    _found: dict[tuple[str, date | None], dict[str, Noted]] = field(default_factory=dict, init=False)

    def of(self, account: str) -> Note:
        """How one account notes something."""

        def noted(asset: str, day: date | None, **metadata: Any) -> None:
            self._found.setdefault((asset, day), {}).setdefault(account, {}).update(metadata)

        return noted

    def keep(self) -> None:
        """Pass the notes to Dagster."""
        for (asset, day), by_account in self._found.items():
            whole = self._found.get((asset, None), {}) if day else {}
            asked = [account for account in self.accounts if SKIPPED not in whole.get(account, {})]
            note(self.context, asset, day, **(self._together(by_account, asked)))

    def _together(self, by_account: Mapping[str, Noted], asked: Sequence[str]) -> Noted:
        if len(self.accounts) == 1:
            [account] = self.accounts
            return {**by_account[account], "account": account}
        named = {f"{name} ({account})": value for account, of in by_account.items() for name, value in of.items()}
        skipped = {account: of[SKIPPED] for account, of in by_account.items() if SKIPPED in of}
        if set(asked) <= skipped.keys():
            return named | {SKIPPED: "; ".join(f"{account}: {why}" for account, why in skipped.items())}
        return named | _added_up(by_account.values())


def _added_up(noted: Iterable[Noted]) -> Noted:
    sums: Noted = {}
    for of in noted:
        for name, value in of.items():
            if isinstance(value, int) and not isinstance(value, bool):
                sums[name] = sums.get(name, 0) + value
    return sums
