"""One writer at a time: a row that names who writes, and until when. Nothing in BigQuery locks a table for a run, so
each statement that writes looks at this row itself, and a run whose lease was taken over writes nothing more.
"""

import logging
import time
from dataclasses import dataclass, field

import polars as pl

from ai_usage.errors import WarehouseBusy
from ai_usage.warehouse.bigquery.errors import LeaseLost
from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.statements import LEASE
from ai_usage.warehouse.table import RAW, Table, instant, string

LOG = logging.getLogger(__name__)
SECONDS = 120  # that a lease lasts without a write: so long another run waits after a writer was killed
MARGIN = 45.0  # seconds before its end from which it is renewed; longer than one attempt at a load takes
LOOK = 2.0

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
# Both come to the same when they are repeated.
TAKE = f"""
update {LEASE}
set holder = @holder, expires_at = timestamp_add(current_timestamp(), interval {SECONDS} second)
where holder = @holder or (@may_take and expires_at < current_timestamp())
"""
RETURN = f"update {LEASE} set expires_at = current_timestamp() where holder = @holder"
WHO = f"select holder, expires_at, current_timestamp() as now from {LEASE}"


@dataclass
class Lease:
    """The right of one run to write. `patience` is how long it waits for another run, in seconds."""

    jobs: Jobs
    holder: str
    patience: float
    _until: float | None = field(default=None, init=False)  # by the monotonic clock; None: not held

    @property
    def is_held(self) -> bool:
        """Whether no other run can have written since it was taken."""
        return self._until is not None and time.monotonic() < self._until

    @property
    def was_taken(self) -> bool:
        """Whether it was taken and not given back, though it may have ended since."""
        return self._until is not None

    def take(self) -> bool:
        """Hold the lease, waiting for another run if need be; whether others may have written in the meantime."""
        if self.is_held:
            return False
        give_up = time.monotonic() + self.patience
        is_waiting = False
        while True:
            asked = time.monotonic()
            self.jobs.query(TAKE, {"holder": self.holder, "may_take": True})
            row = self.jobs.query(WHO).row(0, named=True)
            if row["holder"] == self.holder:
                self._until = asked + SECONDS
                return True
            if time.monotonic() > give_up:
                raise WarehouseBusy(
                    f"Run {row['holder']} is writing to BigQuery: wait until it ends, or stop it. Its lease ends at "
                    f"{row['expires_at']:%Y-%m-%d %H:%M:%S} UTC unless it goes on writing."
                )
            if not is_waiting:
                LOG.warning("Run %s is writing to BigQuery: this one waits for its turn.", row["holder"])
                is_waiting = True
            time.sleep(LOOK)

    def renew(self) -> None:
        """Before a load, which cannot look at the row itself: `LeaseLost` if another run took the lease."""
        if self._until is not None and time.monotonic() < self._until - MARGIN:
            return
        asked = time.monotonic()
        self.jobs.query(TAKE, {"holder": self.holder, "may_take": False})
        if self.jobs.query(WHO).row(0, named=True)["holder"] != self.holder:
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


def first_row(now: object) -> pl.DataFrame:
    """Of a new warehouse: a lease that no run holds."""
    return WRITER_LEASE.frame({"holder": [""], "expires_at": [now]})
