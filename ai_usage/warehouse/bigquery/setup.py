"""The requirements of a project before runs can write to it and people can read it: datasets, tables, views without
names, and roles. Each difference from the current state is one step; after all steps there is none.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from google.cloud.bigquery.table import TableListItem

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery import access, rights
from ai_usage.warehouse.bigquery.access import People
from ai_usage.warehouse.bigquery.jobs import ONCE
from ai_usage.warehouse.bigquery.project_roles import ProjectRoles
from ai_usage.warehouse.bigquery.rights import answer_of, named, with_right
from ai_usage.warehouse.bigquery.statements import digest
from ai_usage.warehouse.bigquery.tables import AT_ONCE, DATASETS, HOUR, SHAPE, STAGING, Place, are_prepared, prepare
from ai_usage.warehouse.nameless_views import NAMELESS, is_shown, nameless_view
from ai_usage.warehouse.table import ANALYTICS, RAW, Table

ABOUT_NAMELESS = "AI usage and spend with pseudonyms in place of people: views of ai_usage_analytics."
Verb = Literal["make", "change", "remove"]


@dataclass(frozen=True)
class Step:
    """One difference, and what ends it."""

    verb: Verb
    what: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Setup:
    """A project as it should be. Without `roles`, rights are not looked at: an emulator has none."""

    place: Place
    tables: Sequence[Table]
    functions: Sequence[str]
    people: People
    roles: ProjectRoles | None = None

    def steps(self) -> Iterator[Step]:
        """The differences, in the order in which they can be ended."""
        found = {name: self._dataset(name) for name in self._datasets}
        for name, dataset in found.items():
            yield from self._of_dataset(name, dataset)
        yield from self._of_tables(is_new=found[RAW] is None or found[ANALYTICS] is None)
        if self.people.are_nameless:
            yield from self._of_views(is_new=found[NAMELESS] is None)
        if self.roles:
            for name, dataset in found.items():
                yield from self._of_access(name, dataset)
            for role, member in self.roles.lacking(self.people.roles()):
                yield Step("make", f"role {role} on the project for {member}", partial(self.roles.give, role, member))

    def as_wanted(self) -> list[str]:
        """What is there, for people, once there are no differences."""
        shown = len([table for table in self.tables if is_shown(table)])
        return [
            *(f"dataset {name} in {self.place.location}" for name in self._datasets),
            f"{len(self.tables)} tables and views, {len(self.functions)} function",
            *([f"{shown} views without names"] if self.people.are_nameless else []),
            *(f"role {role} for {member}" for role, member in sorted(self.people.roles()) if self.roles),
            *(
                f"in {name} {access.described(entry)}"
                for name in self._datasets
                for entry in self.people.may(self._project, name)
                if self.roles
            ),
        ]

    @property
    def _datasets(self) -> dict[str, str]:
        return {**DATASETS, **({NAMELESS: ABOUT_NAMELESS} if self.people.are_nameless else {})}

    @property
    def _project(self) -> str:
        return str(self.place.client.project)

    def _dataset(self, name: str) -> bigquery.Dataset | None:
        return find_dataset(self.place, name)

    def _of_dataset(self, name: str, found: bigquery.Dataset | None) -> Iterator[Step]:
        if found is None:
            yield Step("make", f"dataset {name} in {self.place.location}", partial(self._make_dataset, name))
            return
        refuse_elsewhere(self.place, found)
        if name == STAGING and found.default_table_expiration_ms != HOUR:
            yield Step("change", f"dataset {name}: its tables expire in an hour", partial(self._expire, found))

    def _make_dataset(self, name: str) -> None:
        dataset = bigquery.Dataset(self.place.reference(name))
        dataset.location, dataset.description = self.place.location, self._datasets[name]
        if name == STAGING:
            dataset.default_table_expiration_ms = HOUR
        self._ask(
            rights.make_datasets(self._project),
            lambda: self.place.client.create_dataset(dataset, exists_ok=True, retry=ONCE),
        )

    def _expire(self, dataset: bigquery.Dataset) -> None:
        dataset.default_table_expiration_ms = HOUR
        self._update(dataset, "default_table_expiration_ms")

    def _of_tables(self, *, is_new: bool) -> Iterator[Step]:
        if is_new or not are_prepared(self.place, self.tables, self.functions):
            what = f"{len(self.tables)} tables and views of this release, {len(self.functions)} function"
            make = partial(prepare, self.place, self.tables, self.functions)
            right = rights.make_tables(f"{RAW} and {ANALYTICS}")
            yield Step("make" if is_new else "change", what, lambda: named(right, make))

    def _of_views(self, *, is_new: bool) -> Iterator[Step]:
        there = {} if is_new else self._views_there()
        wanted = {table.name: nameless_view(table) for table in self.tables if is_shown(table)}
        missing = {name: text for name, text in wanted.items() if name not in there}
        stale = {name: text for name, text in wanted.items() if there.get(name, digest(text)) != digest(text)}
        if missing:
            yield Step("make", _counted(missing), partial(self._each, missing, self._make_view))
        if stale:
            yield Step("change", _counted(stale), partial(self._each, stale, self._change_view))
        if surplus := dict.fromkeys(sorted(there.keys() - wanted.keys()), ""):
            yield Step("remove", _counted(surplus), partial(self._each, surplus, self._remove_view))

    def _views_there(self) -> dict[str, str]:
        """The views that a setup made, and the digest of each; other people's are left alone."""
        listed = with_right(
            self.place.jobs,
            rights.look(NAMELESS),
            lambda: list(self.place.client.list_tables(self.place.reference(NAMELESS), retry=ONCE)),
        )
        with ThreadPoolExecutor(AT_ONCE) as pool:
            labels = dict(zip((table.table_id for table in listed), pool.map(self._labels, listed), strict=True))
        return {name: of[SHAPE] for name, of in labels.items() if SHAPE in of}

    def _labels(self, listed: TableListItem) -> Mapping[str, str]:
        """An emulator lists tables without their labels."""
        if listed.labels:
            return dict(listed.labels)
        get = partial(self.place.client.get_table, listed.reference, retry=ONCE)
        return dict(with_right(self.place.jobs, rights.look(NAMELESS), get).labels)

    def _each(self, views: Mapping[str, str], do: Callable[[bigquery.Table], object]) -> None:
        def ask(name: str, text: str) -> None:
            view = bigquery.Table(self.place.reference(f"{NAMELESS}.{name}"))
            if text:
                view.view_query, view.labels = text, {SHAPE: digest(text)}
            self._ask(rights.make_tables(NAMELESS), lambda: do(view))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(ask, views.keys(), views.values()))

    def _make_view(self, view: bigquery.Table) -> None:
        self.place.client.create_table(view, exists_ok=True, retry=ONCE)

    def _change_view(self, view: bigquery.Table) -> None:
        self.place.client.update_table(view, ["view_query", "labels"], retry=ONCE)

    def _remove_view(self, view: bigquery.Table) -> None:
        self.place.client.delete_table(view, not_found_ok=True, retry=ONCE)

    def _of_access(self, name: str, found: bigquery.Dataset | None) -> Iterator[Step]:
        given = list(found.access_entries) if found else []
        change = partial(self._change_access, name)
        for entry in access.too_many(given, self.people.may_not(name)):
            yield Step("remove", f"dataset {name}: {access.described(entry)}", change)
        for entry in access.lacking(given, self.people.may(self._project, name)):
            yield Step("make", f"dataset {name}: {access.described(entry)}", change)

    def _change_access(self, name: str) -> None:
        """All of a dataset's entries at once; refused, and nothing changed, if somebody else changed them meanwhile."""
        dataset = self._dataset(name)
        if dataset is None:
            raise WarehouseError(f"The dataset {name} was deleted meanwhile.")
        before = list(dataset.access_entries)
        after = access.changed(before, self.people, self._project, name)
        if after != before:
            dataset.access_entries = after
            self._update(dataset, "access_entries")

    def _update(self, dataset: bigquery.Dataset, field: str) -> None:
        self._ask(
            rights.change_dataset(dataset.dataset_id),
            lambda: self.place.client.update_dataset(dataset, [field], retry=ONCE),
        )

    def _ask(self, right: rights.Right, call: Callable[[], object]) -> object:
        return with_right(self.place.jobs, right, call)


def _counted(views: Mapping[str, str]) -> str:
    return f"{len(views)} {'view' if len(views) == 1 else 'views'} of {NAMELESS}"


def find_dataset(place: Place, name: str) -> bigquery.Dataset | None:
    """A dataset, or None where it is not there; `WarehouseError` if the project is not there."""

    def once() -> bigquery.Dataset | None:
        try:
            return place.client.get_dataset(place.reference(name), retry=ONCE)
        except NotFound as error:
            if answer_of(error).startswith("Not found: Project"):
                raise WarehouseError(
                    f"There is no Google Cloud project {place.client.project}, or it has no BigQuery: set "
                    f"BIGQUERY_PROJECT to a project's id. BigQuery's answer: {answer_of(error)}"
                ) from error
            return None

    return with_right(place.jobs, rights.look(name), once)


def refuse_elsewhere(place: Place, found: bigquery.Dataset) -> None:
    """`WarehouseError` for a dataset in another location than the settings': a dataset cannot be moved."""
    if (found.location or "").lower() != place.location.lower():
        raise WarehouseError(
            f"The dataset {found.dataset_id} is in {found.location}, and BIGQUERY_LOCATION is {place.location}: set "
            f"BIGQUERY_LOCATION={found.location}, or delete the dataset if nothing is in it."
        )
