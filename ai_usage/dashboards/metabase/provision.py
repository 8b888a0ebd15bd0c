"""Makes a Metabase match the boards: looks first, then creates what is missing, changes what differs, and archives what
has no definition any more. If it is interrupted, the next run finishes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ai_usage.dashboards.metabase.client import Database, Metabase
from ai_usage.dashboards.metabase.plan import (
    Found,
    Step,
    card_body,
    card_edits,
    dashboard_body,
    ours,
    parameters,
    steps,
)
from ai_usage.dashboards.metabase.wanted import Mark, Wanted, WantedCard, WantedDashboard
from ai_usage.errors import SettingError

COLLECTION = "AI usage"
ABOUT = (
    "What AI tools cost and what they are used for. Provisioned: changes to what is in it are undone by the next run."
)

WITHOUT_CREDENTIALS = (
    "Metabase needs a key for BigQuery: make the database “{name}” in Metabase by hand, with the key of an account "
    "that may only read. Without pseudonyms, the key file of GOOGLE_APPLICATION_CREDENTIALS is used too."
)


@dataclass(frozen=True)
class Provision:
    """One Metabase and its wanted content. `database` is the definition for creating a missing database."""

    metabase: Metabase
    wanted: Wanted
    database: dict[str, Any]
    collection: str = COLLECTION

    def look(self) -> Found:
        """The current content."""
        database = self._database()
        collections = [c.id for c in self.metabase.collections() if c.name == self.collection]
        if not collections:
            return Found(database)
        collection = min(int(found) for found in collections)
        items = self.metabase.items(collection)
        found: dict[str, dict[str, Any]] = {}
        left_alone = []
        for model, definitions, read in (
            ("card", self.wanted.cards, self.metabase.card),
            ("dashboard", self.wanted.dashboards, self.metabase.dashboard),
        ):
            keys = {definition.key for definition in definitions}
            mine, rest = ours([item for item in items if item.model == model], keys)
            found[model] = {key: read(item.id) for key, item in mine.items()}
            left_alone += rest
        return Found(database, collection, found["card"], found["dashboard"], left_alone)

    def steps(self, found: Found) -> list[Step]:
        return steps(self.wanted, found, database=self.database["name"], collection=self.collection)

    def apply(self, found: Found, *, report: Callable[[Step], None]) -> None:
        """Executes every step, one write after the other."""
        todo = self.steps(found)
        by_key: dict[str, WantedCard | WantedDashboard] = {
            **{card.key: card for card in self.wanted.cards},
            **{board.key: board for board in self.wanted.dashboards},
        }
        ids = found.ids
        for step in todo:
            found = self._taken(step, found, by_key.get(step.key), ids)
            report(step)

    def addresses(self, found: Found) -> list[tuple[str, str]]:
        """The dashboards' names, and where a browser finds them."""
        there = ((board, found.dashboards.get(board.key)) for board in self.wanted.dashboards)
        return [(board.name, f"{self.metabase.url}/dashboard/{of.id}") for board, of in there if of]

    def _database(self) -> Database | None:
        name, engine = self.database["name"], self.database["engine"]
        found = next((of for of in self.metabase.databases() if of.name == name), None)
        if found and found.engine != engine:
            raise SettingError(
                f"Metabase has a database “{name}” already, of engine {found.engine}, not {engine}: "
                "set METABASE_DATABASE to another name. Nothing was changed."
            )
        return found

    def _taken(
        self, step: Step, found: Found, definition: WantedCard | WantedDashboard | None, ids: dict[str, int]
    ) -> Found:
        match definition:
            case WantedCard():
                self._put_card(definition, found, ids)
            case WantedDashboard():
                self._put_dashboard(definition, found, ids)
            case None if step.model == "database":
                if self.database["details"].get("service-account-json") == "":
                    raise SettingError(WITHOUT_CREDENTIALS.format(name=self.database["name"]))
                number = self.metabase.make_database(self.database)
                return replace(found, database=Database(number, self.database["name"], self.database["engine"]))
            case None if step.model == "collection":
                body = {"name": self.collection, "description": ABOUT, "parent_id": None}
                return replace(found, collection=self.metabase.make_collection(body))
            case None:
                there = found.cards[step.key] if step.model == "card" else found.dashboards[step.key]
                self.metabase.archive(step.model, there.id)
        return found

    def _put_card(self, card: WantedCard, found: Found, ids: dict[str, int]) -> None:
        database, there = self._id(found.database.id if found.database else None), found.cards.get(card.key)
        if there:
            edits = card_edits(card, there, database)
            self.metabase.change("card", there.id, card_body(card, edits, database=database))
        else:
            body = {**card_body(card, None, database=database), "collection_id": self._id(found.collection)}
            ids[card.key] = self._made("card", card.key, body)

    def _put_dashboard(self, board: WantedDashboard, found: Found, ids: dict[str, int]) -> None:
        """Creates it empty with its mark, then lays it out: the next run recognizes a half-made one."""
        there = found.dashboards.get(board.key)
        if there is None:
            empty = {
                "name": board.name,
                "description": board.description,
                "collection_id": self._id(found.collection),
                "parameters": parameters(board, ids),
            }
            there = self.metabase.dashboard(self._made("dashboard", board.key, empty))
        self.metabase.change("dashboard", there.id, dashboard_body(board, there, ids))

    def _made(self, model: str, key: str, body: dict[str, Any]) -> int:
        def is_it(description: str | None) -> bool:
            mark = Mark.of(description)
            return mark is not None and mark.key == key

        return self.metabase.make(model, body, is_it=lambda item: is_it(item.description))

    @staticmethod
    def _id(number: int | None) -> int:
        if number is None:
            raise AssertionError("steps make the database and the collection first")
        return number


def duckdb_database(name: str, file: str) -> dict[str, Any]:
    """The published copy, opened to read."""
    details = {
        "database_file": file,
        "read_only": True,
        "old_implicit_casting": True,
        "allow_unsigned_extensions": False,
        "memory_limit": None,
        "init_sql": None,
        "additional-options": None,
    }
    return _database(name, "duckdb", details)


def bigquery_database(name: str, project: str, credentials: str, datasets: Sequence[str]) -> dict[str, Any]:
    """The marts. `credentials` is the text of a service account's file; without it none is made."""
    details = {
        "project-id": project,
        "service-account-json": credentials,
        "dataset-filters-type": "inclusion",
        "dataset-filters-patterns": ",".join(datasets),
    }
    return _database(name, "bigquery-cloud-sdk", details)


def _database(name: str, engine: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "engine": engine, "details": details, "is_full_sync": True, "auto_run_queries": True}
