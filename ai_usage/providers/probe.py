"""How `doctor` tries a provider's accounts: the keys that it tests, and the same reports that the pulls request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ai_usage.ingest.ledger_writes import Report
from ai_usage.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Key:
    """A credential that an account may have. `ask` raises an `AiUsageError` if it is refused, and may answer with a
    sentence; the reports that it `opens` are not tried then.
    """

    what: str  # that it is accepted, in words
    is_had: Callable[[Any], bool] = lambda _: True  # by a client
    ask: Callable[[Any], str | None]
    opens: Callable[[Any, str], bool] = lambda *_: True  # by a client and a pull


@dataclass(frozen=True, kw_only=True)
class Files:
    """Files that people put into a folder: each by its name, with a call that reads it and describes what is in it."""

    title: str
    where: str
    read: Mapping[str, Callable[[], str]]
    not_configured: str  # where there is no file


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What doctor tries for each account, and shows about the provider."""

    title: str
    hint: str  # what to set where no account is configured
    keys: tuple[Key, ...]
    reports: Mapping[str, Report[Any]]  # by pull
    tried_by_keys: tuple[str, ...] = field(default=())  # pulls that `keys` ask for already
    quota: str
    files: Callable[[Settings], Files] | None = None
