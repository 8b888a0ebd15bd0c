"""The people in the published copy, whom logs, alerts and exports must not name."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import duckdb

from ai_usage.errors import WarehouseError
from ai_usage.redaction import KnownPeople, Redaction
from ai_usage.settings import Settings, pseudonym_salt, secrets
from ai_usage.warehouse.open import mark_of_published, open_published
from ai_usage.warehouse.people import known_people

LOG = logging.getLogger(__name__)


def redaction(of: Settings) -> Redaction:
    """The installation's own redaction. Its people are those that readers see, read again when that changes."""
    return Redaction(secrets(), pseudonym_salt(), people_of(of))


def people_of(of: Settings) -> Callable[[], KnownPeople]:
    """A function that returns the people that readers see."""
    return _Published(of)


@dataclass
class _Published:
    """The people that readers see; while there are none, or they cannot be read, those known before, if any.
    Addresses, and names of keys made from an address, are hidden all the same.
    """

    of: Settings
    _read: tuple[object, KnownPeople] = field(default=(None, KnownPeople()), init=False)
    _is_reading: bool = field(default=False, init=False)

    def __call__(self) -> KnownPeople:
        if not self._is_reading:  # what is logged while they are read needs them, too
            self._is_reading = True
            try:
                self._look()
            except (OSError, WarehouseError, duckdb.Error) as error:  # whoever needs the warehouse itself reports it
                LOG.debug("the people cannot be read: %s", error)
            finally:
                self._is_reading = False
        return self._read[1]

    def _look(self) -> None:
        mark = mark_of_published(self.of)
        if mark is not None and mark != self._read[0] and (there := open_published(self.of, ())):
            self._read = (mark, known_people(there))
