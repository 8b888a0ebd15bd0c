"""The access to each dataset: the minimum that runs and readers need."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.cloud import bigquery

from ai_usage.warehouse.bigquery.rights import JOB_USER
from ai_usage.warehouse.bigquery.tables import STAGING
from ai_usage.warehouse.nameless_views import NAMELESS
from ai_usage.warehouse.table import ANALYTICS, RAW

KINDS = ("serviceAccount", "group", "user")
Entry = bigquery.AccessEntry


@dataclass(frozen=True)
class People:
    """The account that runs use, and the readers; empty: its roles are not changed. An address, or a member in Google's
    notation: `group:finance@example.com`.
    """

    writer: str = ""
    reader: str = ""
    are_nameless: bool = False  # readers see pseudonyms only

    def roles(self) -> set[tuple[str, str]]:
        """Role on the project and member. Whoever runs a query needs this one, and no other."""
        return {(JOB_USER, member(one)) for one in (self.writer, self.reader) if one}

    def may(self, project: str, dataset: str) -> list[Entry]:
        """The entries that a dataset must have."""
        writes = [_entry("WRITER", self.writer)] if self.writer and dataset in {RAW, ANALYTICS, STAGING} else []
        reads = [_entry("READER", self.reader)] if self.reader and dataset == self._read_by_readers else []
        authorized = {RAW: [_views_of(project, ANALYTICS)], ANALYTICS: [_views_of(project, NAMELESS)]}
        if not self.are_nameless:
            authorized.pop(ANALYTICS)
        return [*writes, *reads, *authorized.get(dataset, [])]

    def may_not(self, dataset: str) -> list[Entry]:
        """The entries that a dataset must not have: readers of pseudonyms read nothing else."""
        is_closed = self.reader and dataset != self._read_by_readers
        return [_entry(role, self.reader) for role in ("READER", "WRITER", "OWNER")] if is_closed else []

    @property
    def _read_by_readers(self) -> str:
        return NAMELESS if self.are_nameless else ANALYTICS


def member(address: str) -> str:
    """An address as Google's roles name it."""
    if address.partition(":")[0] in KINDS:
        return address
    return f"{'serviceAccount' if address.endswith('.gserviceaccount.com') else 'user'}:{address}"


def lacking(given: Sequence[Entry], wanted: Sequence[Entry]) -> list[Entry]:
    keys = {_key(one) for one in given}
    return [one for one in wanted if _key(one) not in keys]


def too_many(given: Sequence[Entry], unwanted: Sequence[Entry]) -> list[Entry]:
    keys = {_key(one) for one in unwanted}
    return [one for one in given if _key(one) in keys]


def changed(given: Sequence[Entry], people: People, project: str, dataset: str) -> list[Entry]:
    """The entries of a dataset, with missing ones added and unwanted ones removed; all others stay as they are."""
    surplus = {_key(one) for one in too_many(given, people.may_not(dataset))}
    kept = [one for one in given if _key(one) not in surplus]
    return [*kept, *lacking(given, people.may(project, dataset))]


def described(entry: Entry) -> str:
    if entry.entity_type == "dataset":
        return f"the views of {_key(entry)[2].partition('.')[2]} may read it"
    return f"{entry.entity_id} is {entry.role}"


def _entry(role: str, address: str) -> Entry:
    kind, _, of = member(address).partition(":")
    return Entry(role, "groupByEmail" if kind == "group" else "userByEmail", of)


def _views_of(project: str, dataset: str) -> Entry:
    of = {"dataset": {"projectId": project, "datasetId": dataset}, "targetTypes": ["VIEWS"]}
    return Entry.from_api_repr({"dataset": of})


def _key(entry: Entry) -> tuple[str, str, str]:
    """What makes two entries the same, however the API writes them."""
    of = entry.entity_id
    if entry.entity_type == "dataset" and isinstance(of, dict):
        of = of.get("dataset", of)
        of = f"{of.get('projectId')}.{of.get('datasetId')}"
    return entry.role or "", str(entry.entity_type), str(of)
