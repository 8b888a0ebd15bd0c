"""The people of the published copy, whom logs, alerts and exports must not name."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.redaction import KnownPeople, Redaction
from ai_usage.settings import Settings, pseudonym_salt, secrets
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.open import open_published
from ai_usage.warehouse.people import known_people

LOG = logging.getLogger(__name__)


def redaction(of: Settings) -> Redaction:
    """The installation's own redaction. Its people are those of the published copy, read again when that changes."""
    return Redaction(secrets(), pseudonym_salt(), people_of(of))


def people_of(of: Settings) -> Callable[[], KnownPeople]:
    """A function that returns the people of the published copy."""
    return _Published(of)


@dataclass
class _Published:
    """The people of the published copy; while there is none, or it cannot be read, those known before, if any.
    Addresses, and names of keys made from an address, are hidden all the same.
    """

    of: Settings
    _read: tuple[object, KnownPeople] = field(default=(None, KnownPeople()), init=False)

    def __call__(self) -> KnownPeople:
        copy = self.of.published_database
        try:
            if self.of.warehouse == "bigquery":
                return self._of_bigquery()
            there = copy.stat()
            mark = (there.st_mtime_ns, there.st_ino, there.st_size)
            if mark != self._read[0]:
                warehouse = DuckDBWarehouse(copy, copy, (), self.of.now, is_read_only=True)
                self._read = (mark, known_people(warehouse))
        except (OSError, WarehouseError, duckdb.Error) as error:  # whoever needs the copy itself reports it
            LOG.debug("%s cannot be read: %s", copy, error)
        return self._read[1]

    def _of_bigquery(self) -> KnownPeople:
        """Read once for a process: each look would be a job."""
        if self._read[0] is None and (there := open_published(self.of)):
            self._read = ("bigquery", known_people(there))
        return self._read[1]
