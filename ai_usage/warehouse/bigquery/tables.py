"""Makes datasets, tables, views and functions from their declarations, through the API: no query job is needed for it.
A label of each table has the digest of its declaration, and one of `pulls` that of all of them together.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery.jobs import ONCE, Jobs, schema_of
from ai_usage.warehouse.bigquery.lease import BEGIN, WRITER_LEASE
from ai_usage.warehouse.bigquery.statements import digest, function, pinned, shape_of
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.migrations import VERSION, Made, changes, refuse_a_later
from ai_usage.warehouse.table import ANALYTICS, PULLS, RAW, Column, Table, Type

LOG = logging.getLogger(__name__)
STAGING = "ai_usage_staging"
DATASETS = {
    RAW: "What providers sent, verbatim: an append-only ledger.",
    ANALYTICS: "AI usage and spend: typed facts and the marts made of them.",
    STAGING: "Rows on their way into a table. Tables here expire after an hour.",
}
HOUR = 3_600_000  # milliseconds
AT_ONCE = 8  # requests
SHAPE, VERSION_LABEL, ALL = "ai_usage_shape", "ai_usage_version", "ai_usage_shape_of_all"
TYPES = {"NUMERIC" if t is Type.NUMERIC else t.googlesql: t for t in Type} | {"INTEGER": Type.INTEGER}
TYPES |= {"BOOLEAN": Type.BOOLEAN}
S = TypeVar("S")
T = TypeVar("T")
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where tables are made."""

    jobs: Jobs
    location: str
    found: dict[str, bigquery.Table] = field(default_factory=dict)  # address → the table, as it was seen last

    @property
    def client(self) -> bigquery.Client:
        return self.jobs.client

    def reference(self, address: str) -> str:
        return f"{self.client.project}.{address}"


def prepare(place: Place, tables: Sequence[Table], functions: Sequence[str]) -> list[Table] | None:
    """Bring the project's datasets to today's shape; the tables that were made, or None where nothing had to be done.
    `WarehouseError` for a change that cannot be made in place.
    """
    ours = [*tables, WRITER_LEASE]
    texts = [function(name) for name in functions]
    wanted = digest_of_all(tables, functions)
    before = labels_of(place, PULLS)
    if before is not None:
        refuse_a_later(int(before.get(VERSION_LABEL, VERSION)), f"BigQuery project {place.client.project}")
        if before.get(ALL) == wanted:
            return None
    _make_datasets(place)
    there = tables_there(place)
    missing = [table for table in ours if not table.view_of and table.address not in there]
    kept = [table for table in ours if not table.view_of and table.address in there]
    outdated = [found for found in _each(kept, lambda table: _outdated(place, table)) if found]
    stale = [found.table for found in outdated if found.gains]
    if (missing or stale) and before is not None and BUILDS in kept:
        _forget_builds(place, [*missing, *stale])  # first: who is killed later finds nothing missing the next time
    _each(missing, lambda table: _make(place, table))
    place.jobs.query(BEGIN)
    _each(outdated, lambda found: _change(place, found))
    for table in tables:
        if table.view_of:
            _make_view(place, table, is_there=table.address in there)
    for text in texts:
        place.jobs.query(text)
    _note(place, wanted)
    return [table for table in missing if table is not WRITER_LEASE]


def digest_of_all(tables: Sequence[Table], functions: Sequence[str]) -> str:
    """What the label of `pulls` has once everything is as it is declared."""
    texts = [function(name) for name in functions]
    return digest(*texts, *(f"{table.address} {shape_of(table)}" for table in (*tables, WRITER_LEASE)))


def are_prepared(place: Place, tables: Sequence[Table], functions: Sequence[str]) -> bool:
    """Whether everything is as it is declared, so that a run has nothing to make."""
    return (labels_of(place, PULLS) or {}).get(ALL) == digest_of_all(tables, functions)


def tables_there(place: Place) -> set[str]:
    """The addresses of tables and views."""
    found: set[str] = set()
    for dataset in (RAW, ANALYTICS):
        listed = place.jobs.request(partial(_listed, place, dataset))
        found |= {f"{dataset}.{name}" for name in listed}
    return found


def _listed(place: Place, dataset: str) -> list[str]:
    return [table.table_id for table in place.client.list_tables(place.reference(dataset), retry=ONCE)]


def labels_of(place: Place, table: Table) -> Labels | None:
    """The labels of a table; None where it is not there."""
    found = found_table(place, table)
    return None if found is None else dict(found.labels or {})


def found_table(place: Place, table: Table) -> bigquery.Table | None:
    """What BigQuery has of a table, without its rows; None where it is not there."""
    return _seen(place, table.address)


def known_table(place: Place, address: str) -> bigquery.Table | None:
    """The same, as it was seen last: its columns are still these."""
    return place.found.get(address) or _seen(place, address)


def _seen(place: Place, address: str) -> bigquery.Table | None:
    name = place.reference(address)
    try:
        seen = place.jobs.request(lambda: place.client.get_table(name, retry=ONCE), known=NotFound)
    except NotFound:
        return None
    place.found[address] = seen
    return seen


def _note(place: Place, digest_of_all: str) -> None:
    """Remember that everything is as it is declared: in a label of `pulls`, which costs one request to read."""
    found = place.jobs.request(lambda: place.client.get_table(place.reference(PULLS.address), retry=ONCE))
    found.labels = {**(found.labels or {}), ALL: digest_of_all, VERSION_LABEL: str(VERSION)}
    place.jobs.request(lambda: place.client.update_table(found, ["labels"], retry=ONCE))


def _make(place: Place, table: Table) -> None:
    place.found[table.address] = place.jobs.request(
        lambda: place.client.create_table(declared(place, table), exists_ok=True, retry=ONCE)
    )


def declared_by(found: bigquery.Table) -> Table:
    """The columns of a table, as BigQuery has them."""
    columns = {field.name: Column(TYPES[field.field_type], "") for field in found.schema}
    return Table(name=found.table_id, schema=found.dataset_id, grain="", columns=columns)


def declared(place: Place, table: Table) -> bigquery.Table:
    """The table as BigQuery's API declares it: raw is partitioned by day, all else by month."""
    made = bigquery.Table(place.reference(table.address), schema=schema_of(table))
    made.description = table.grain
    made.labels = {SHAPE: shape_of(table)}
    if table.date_column:
        made.time_partitioning = bigquery.TimePartitioning(
            type_="DAY" if table.is_ledger else "MONTH", field=table.date_column
        )
    if table.cluster:
        made.clustering_fields = list(table.cluster[:4])
    return made


def _make_datasets(place: Place) -> None:
    there = {found.dataset_id for found in place.jobs.request(lambda: list(place.client.list_datasets(retry=ONCE)))}
    for name, description in DATASETS.items():
        if name not in there:
            dataset = bigquery.Dataset(place.reference(name))
            dataset.location = place.location
            dataset.description = description
            if name == STAGING:
                dataset.default_table_expiration_ms = HOUR
            place.jobs.request(lambda d=dataset: place.client.create_dataset(d, exists_ok=True, retry=ONCE))  # type: ignore[misc]


@dataclass(frozen=True)
class _Outdated:
    """A table that is not as it is declared. `gains`: columns or nulls, not descriptions alone."""

    table: Table
    found: bigquery.Table
    gains: bool


def _outdated(place: Place, table: Table) -> _Outdated | None:
    """What a table lacks; None if it lacks nothing. What only statements could change is refused."""
    found = place.jobs.request(lambda: place.client.get_table(place.reference(table.address), retry=ONCE))
    if (found.labels or {}).get(SHAPE) == shape_of(table):
        return None
    made = {f.name: Made(TYPES.get(f.field_type), f.mode == "REQUIRED") for f in found.schema}
    todo = changes([table], {table.address: made})
    if wrong := [c for c in todo if c.what not in {"added", "relaxed"} or (c.what == "added" and c.declared.required)]:
        raise WarehouseError(
            f"{table.address} has another shape in BigQuery than this release declares: "
            f"{', '.join(f'{change.column} would be {change.what}' for change in wrong)}. This release cannot change "
            "that in place. Nothing was changed."
        )
    return _Outdated(table, found, gains=bool(todo))


def _change(place: Place, outdated: _Outdated) -> None:
    """Add columns, allow nulls and renew descriptions."""
    table, found = outdated.table, outdated.found
    fields = {field.name: field for field in schema_of(table)}
    known = [fields.pop(field.name, field) for field in found.schema]
    found.schema = [*known, *fields.values()]
    found.description, found.labels = table.grain, {**(found.labels or {}), SHAPE: shape_of(table)}
    place.found[table.address] = place.jobs.request(
        lambda: place.client.update_table(found, ["schema", "description", "labels"], retry=ONCE)
    )


def _forget_builds(place: Place, changed: Iterable[Table]) -> None:
    """Every day counts as not built: new columns and tables are filled from the ledger."""
    place.jobs.query(f"delete from {BUILDS.address} where true")
    LOG.warning(
        "BigQuery project %s was brought to the shape of this release, and its days will be built again. New or "
        "changed tables: %s.",
        place.client.project,
        ", ".join(sorted(table.name for table in changed)),
    )


def _make_view(place: Place, table: Table, *, is_there: bool) -> None:
    view = bigquery.Table(place.reference(table.address))
    view.view_query = pinned(table, read(table.view_of or ""))
    view.description, view.labels = table.grain, {SHAPE: shape_of(table)}
    if is_there:
        place.jobs.request(lambda: place.client.update_table(view, ["view_query", "description", "labels"], retry=ONCE))
    else:
        place.jobs.request(lambda: place.client.create_table(view, exists_ok=True, retry=ONCE))


def _each(those: Sequence[S], work: Callable[[S], T]) -> list[T]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, those))
