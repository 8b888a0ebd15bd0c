"""Tries the calls that a run makes in a project, one by one: `make doctor` shows each. Statements are only dry-run, and
nothing is changed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from google.api_core.exceptions import NotFound

from ai_usage.errors import WarehouseError
from ai_usage.places import COMMAND
from ai_usage.warehouse.bigquery import rights
from ai_usage.warehouse.bigquery.dry_run import bytes_read
from ai_usage.warehouse.bigquery.lease import RENEW
from ai_usage.warehouse.bigquery.questions import ALL
from ai_usage.warehouse.bigquery.rights import Right, with_right
from ai_usage.warehouse.bigquery.setup import find_dataset, refuse_elsewhere
from ai_usage.warehouse.bigquery.statements import function, merge, no_rows
from ai_usage.warehouse.bigquery.tables import DATASETS, STAGING, Place
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.table import ANALYTICS, RAW

LATER = f"no table yet: {COMMAND} bigquery-setup APPLY=1, or the first run, makes it"


@dataclass(frozen=True)
class Trial:
    """One call: what works if it succeeds. `ask` may return a remark; it raises `WarehouseError`."""

    what: str
    ask: Callable[[], str | None]


def trials(place: Place, functions: Sequence[str]) -> Iterator[Trial]:
    """In the order of a run's own calls. Ask each before the next: where a dataset is missing, what is in it is not
    tried.
    """
    project = str(place.client.project)
    there: set[str] = set()
    for name in DATASETS:
        yield Trial(f"dataset {name}", partial(_dataset, place, name, there))
    tried = partial(_dry_run, place)
    yield Trial("a job can be run", partial(tried, "select 1 as one", rights.run_a_job(project)))
    if RAW in there:
        yield Trial("the ledger can be read", partial(tried, ALL, rights.read(RAW)))
        yield Trial("the ledger can be written", partial(tried, RENEW, rights.write(RAW)))
    if {RAW, ANALYTICS} <= there:
        filled = merge(BUILDS, no_rows(BUILDS), deleted="false")
        yield Trial("tables can be filled", partial(tried, filled, rights.write(ANALYTICS)))
        for name in functions:
            yield Trial("functions can be made", partial(tried, function(name), rights.make_functions(ANALYTICS)))
    if STAGING in there:
        made = f"create table {STAGING}.doctor as select 1 as one"
        yield Trial("tables can be made for rows on their way", partial(tried, made, rights.make_tables(STAGING)))


def _dataset(place: Place, name: str, there: set[str]) -> str:
    found = find_dataset(place, name)
    if found is None:
        raise WarehouseError(f"it is not there: {COMMAND} bigquery-setup APPLY=1 makes it.")
    refuse_elsewhere(place, found)
    there.add(name)
    return str(found.location)


def _dry_run(place: Place, statement: str, right: Right) -> str | None:
    def once() -> str | None:
        try:
            bytes_read(place.jobs, statement, {"holder": "doctor"} if "@holder" in statement else {})
        except NotFound:
            return LATER
        return None

    return with_right(place.jobs, right, once)
