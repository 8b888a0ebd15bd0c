"""One writer at a time: a row that names who writes, and until when. Nothing in BigQuery locks a table for a run, so
each statement that writes looks at this row itself, and a run that lost its lease writes nothing more.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from google.cloud import bigquery

from ai_usage.errors import WarehouseBusy, WarehouseError
from ai_usage.warehouse.bigquery.errors import LeaseLost
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.statements import LEASE
from ai_usage.warehouse.table import RAW, Table, instant, string

LOG = logging.getLogger(__name__)
SECONDS = 120  # that a lease lasts without a write: so long another run waits after a writer was killed
MARGIN = 45.0  # seconds before its end from which it is renewed; longer than one attempt at a load takes
LOOK = 2.0
NO_ONE = ""

WRITER_LEASE = Table(
    name=LEASE.partition(".")[2],
    schema=RAW,
    grain="the one run that may write: one row",
    columns={
        "holder": string("the run that writes, or the last that did", required=True),
        "expires_at": instant("when another run may take its place", required=True),
    },
    date_column=None,
)
# Of a new warehouse: a lease that no run holds. It changes no row that is there.
BEGIN = f"""
merge {LEASE} as old
using (select '{NO_ONE}' as holder) as made
on true
when not matched by target then insert (holder, expires_at) values (made.holder, current_timestamp())
"""
# Each comes to the same when it is repeated. A lease that another run took since it was seen is not taken.
TAKE = f"""
update {LEASE}
set holder = @holder, expires_at = timestamp_add(current_timestamp(), interval {SECONDS} second)
where holder = @seen_holder and expires_at = @seen_until and (holder = @holder or expires_at < current_timestamp())
"""
RENEW = f"""
update {LEASE}
set expires_at = timestamp_add(current_timestamp(), interval {SECONDS} second)
where holder = @holder
"""
RETURN = f"update {LEASE} set expires_at = current_timestamp() where holder = @holder"


@dataclass(frozen=True)
class Held:
    """The lease's row: the run that writes, or the last that did, and when another one may."""

    holder: str
    until: datetime


@dataclass
class Lease:
    """The right of one run to write. `patience` is how long it waits for another run, in seconds. `table` looks up the
    lease's table, as BigQuery has it.
    """

    jobs: Jobs
    table: Callable[[], bigquery.Table | None]
    holder: str
    patience: float
    row: Held | None = field(default=None, init=False)  # as it was seen last
    _until: float | None = field(default=None, init=False)  # by the monotonic clock; None: not held

    @property
    def is_held(self) -> bool:
        """Whether no other run can have written since it was taken."""
        return self._until is not None and time.monotonic() < self._until

    @property
    def is_own(self) -> bool:
        """Whether no other run had it when it was seen last."""
        return self.row is not None and self.row.holder == self.holder

    @property
    def was_taken(self) -> bool:
        """Whether it was taken and not given back, though it may have ended since."""
        return self._until is not None

    def look(self) -> Held:
        """Who has it. It costs no job."""
        table = self.table()
        found = None if table is None else self.jobs.rows(table, most=1)
        if found is None or found.is_empty():
            raise WarehouseError(f"BigQuery table {LEASE} has not the one row that names who writes.")
        [row] = found.select("holder", "expires_at").rows()
        return Held(*row)

    def take(self) -> Held | None:
        """Hold the lease, waiting for another run if need be. How it was before; None if it was held already."""
        if self.is_held:
            return None
        give_up = time.monotonic() + self.patience
        is_waiting = False
        while True:
            asked, seen = time.monotonic(), self.look()
            self.jobs.query(TAKE, {"holder": self.holder, "seen_holder": seen.holder, "seen_until": seen.until})
            self.row = self.look()
            if self.row.holder == self.holder:
                self._until = asked + SECONDS
                return seen
            if time.monotonic() > give_up:
                raise WarehouseBusy(
                    f"Run {self.row.holder} is writing to BigQuery: wait until it ends, or stop it. Its lease ends at "
                    f"{self.row.until:%Y-%m-%d %H:%M:%S} UTC unless it goes on writing."
                )
            if not is_waiting:
                LOG.warning("Run %s is writing to BigQuery: this one waits for its turn.", self.row.holder)
                is_waiting = True
            time.sleep(LOOK)

    def renew(self) -> None:
        """Before a load, which cannot look at the row itself: `LeaseLost` if another run took the lease."""
        if self._until is not None and time.monotonic() < self._until - MARGIN:
            return
        asked = time.monotonic()
        self.jobs.query(RENEW, {"holder": self.holder})
        self.row = self.look()
        if self.row.holder != self.holder:
            self._until = None
            raise LeaseLost(
                "Another run has taken the warehouse over, because this one wrote nothing for too long: this step was "
                "not written. Run it again."
            )
        self._until = asked + SECONDS

    def give_back(self) -> None:
        """Let another run write at once."""
        if self._until is not None:
            self._until = None
            self.jobs.query(RETURN, {"holder": self.holder})
            self.row = self.look()
