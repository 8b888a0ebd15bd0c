"""Metabase's REST API: HTTP in, its objects out. Knows none of our boards and cards.

Repeating a write is harmless, except for a creation: it may have succeeded although no answer came, so the object is
looked up before it is posted again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import msgspec

from ai_usage.errors import SettingError
from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import IncompleteAnswer
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.secrecy import keep_secret

T = TypeVar("T")
Body = Mapping[str, Any]

ADVICE = {
    400: "Metabase refused the request; if it is newer than the version in docs/metabase.md, its API may have changed.",
    401: "METABASE_API_KEY is not a key of this Metabase: make one under Admin settings, Authentication, API keys.",
    403: "The key may not do this: give it the group Administrators, under Admin settings, Authentication, API keys.",
    404: "Is METABASE_URL the address that Metabase is opened at in a browser, without a page behind it?",
    500: "What was written before is kept; run it again to continue.",
}


class Database(msgspec.Struct):
    """A database that Metabase queries."""

    id: int
    name: str
    engine: str
    details: dict[str, Any] | None = None  # sent to administrators only, and without secrets


class Collection(msgspec.Struct):
    """A collection at the top of the tree; ids may be words, such as "trash"."""

    id: int | str
    name: str
    archived: bool | None = False
    personal_owner_id: int | None = None


class Item(msgspec.Struct):
    """An item of a collection, as its list has it."""

    id: int
    name: str
    model: str
    description: str | None = None
    archived: bool | None = False


class Card(msgspec.Struct):
    """A question, whole."""

    id: int
    name: str
    display: str
    dataset_query: dict[str, Any]
    visualization_settings: dict[str, Any]
    description: str | None = None

    @property
    def sql(self) -> str:
        return str(self._native.get("native" if "stages" in self.dataset_query else "query", ""))

    @property
    def tags(self) -> dict[str, Any]:
        """By name; newer versions list them."""
        tags = self._native.get("template-tags") or {}
        return {tag["name"]: tag for tag in tags} if isinstance(tags, list) else dict(tags)

    @property
    def database(self) -> Any:
        return self.dataset_query.get("database")

    @property
    def _native(self) -> dict[str, Any]:
        """Where the query's text is: in the only stage since version 57, before that under `native`."""
        stages = self.dataset_query.get("stages")
        return dict((stages[0] if stages else None) or self.dataset_query.get("native") or {})


class Dashcard(msgspec.Struct):
    """An element of a dashboard: a card, or a heading or text without a card."""

    id: int
    row: int
    col: int
    size_x: int
    size_y: int
    card_id: int | None = None
    parameter_mappings: list[dict[str, Any]] | None = None
    visualization_settings: dict[str, Any] | None = None
    series: list[dict[str, Any]] | None = None
    dashboard_tab_id: int | None = None
    whole: dict[str, Any] = {}  # as Metabase sent it

    @property
    def heading(self) -> str | None:
        """The text of a heading, None for a card."""
        settings = self.visualization_settings or {}
        is_heading = not self.card_id and (settings.get("virtual_card") or {}).get("display") == "heading"
        return str(settings.get("text", "")) if is_heading else None


class Dashboard(msgspec.Struct):
    """A dashboard with its layout, whole."""

    id: int
    name: str
    dashcards: list[Dashcard]
    description: str | None = None
    parameters: list[dict[str, Any]] | None = None
    width: str | None = None
    tabs: list[dict[str, Any]] | None = None


class _Databases(msgspec.Struct):
    data: list[Database]


class _Items(msgspec.Struct):
    data: list[Item]
    total: int | None = None


class _Made(msgspec.Struct):
    id: int


class _Properties(msgspec.Struct, rename="kebab"):
    has_user_setup: bool


@dataclass(frozen=True, kw_only=True)
class _Words(ApiWords):
    """Metabase sends an error as plain text, as `message`, or field by field as `errors`."""

    def message(self, body: bytes) -> str:
        try:
            error = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return super().message(body)
        if isinstance(error.get("message"), str):
            return str(error["message"])[:500]
        if isinstance(error.get("errors"), dict):
            return "; ".join(f"{name}: {why}" for name, why in error["errors"].items())[:500]
        return super().message(body)


@dataclass
class _Writing(Api):
    """Requests that change something, retried like those that read."""

    def write(self, method: str, path: str, body: Body, *, read: Callable[[bytes], T]) -> T:
        return self._tried(path, lambda response: read(response.content), lambda: self._sent(method, path, body))

    def create(self, path: str, body: Body, *, made: Callable[[], int | None]) -> int:
        """The id of the created object. Looks it up before a second attempt: the first may have succeeded."""
        attempts = 0

        def send() -> httpx.Response:
            nonlocal attempts
            attempts += 1
            found = made() if attempts > 1 else None
            return self._sent("POST", path, body) if found is None else httpx.Response(200, json={"id": found})

        made_now: _Made = self._tried(path, lambda response: _read(_Made)(response.content), send)
        return made_now.id

    def _sent(self, method: str, path: str, body: Body) -> httpx.Response:
        response = self.http.request(method, path, json=body)
        if response.is_success:
            response.status_code = httpx.codes.OK  # some versions accept with 202
        return response


@dataclass(frozen=True)
class Metabase:
    """One Metabase, seen with one key."""

    api: _Writing

    @classmethod
    def open(cls, *, url: str, key: str, patience: Patience | None = None, hidden: tuple[str, ...] = ()) -> "Metabase":
        words = _Words(name="Metabase", advice=ADVICE)
        client = http_client(url, {"x-api-key": key, "accept": "application/json"})
        keep_secret(*hidden)
        return cls(_Writing(words, client, patience or Patience(attempts=6, seconds=120)))

    @property
    def url(self) -> str:
        return str(self.api.http.base_url).rstrip("/")

    def close(self) -> None:
        self.api.http.close()

    def refuse_unready(self) -> None:
        """`SettingError` if Metabase is not set up yet. Waits for one that is still starting."""
        self.api.get("/api/health", {}, read=_read(dict[str, Any]))
        if not self.api.get("/api/session/properties", {}, read=_read(_Properties)).has_user_setup:
            raise SettingError(
                f"The Metabase at {self.url} is not set up yet: open it in a browser, create the first account, "
                "then an API key under Admin settings, Authentication, API keys, of the group Administrators."
            )

    def databases(self) -> list[Database]:
        found = self.api.get("/api/database", {}, read=_read(_Databases | list[Database]))
        return found if isinstance(found, list) else found.data

    def collections(self) -> list[Collection]:
        """The visible collections at the top, without archived ones."""
        tree = self.api.get("/api/collection/tree", {"exclude-archived": "true"}, read=_read(list[Collection]))
        return [c for c in tree if isinstance(c.id, int) and not c.archived and c.personal_owner_id is None]

    def items(self, collection: int) -> list[Item]:
        """The questions and dashboards of a collection, without archived ones."""
        path = f"/api/collection/{collection}/items"
        found = self.api.get(path, {"models": ["card", "dashboard"]}, read=_read(_Items | list[Item]))
        items = found if isinstance(found, list) else found.data
        if isinstance(found, _Items) and found.total is not None and found.total != len(items):
            raise IncompleteAnswer(f"Metabase {path} lists {len(items)} of {found.total} items: nothing was changed.")
        return [item for item in items if not item.archived]

    def card(self, card: int) -> Card:
        found: Card = self.api.get(f"/api/card/{card}", {}, read=_read(Card))
        return found

    def dashboard(self, dashboard: int) -> Dashboard:
        return self.api.get(f"/api/dashboard/{dashboard}", {}, read=_whole_dashboard)

    def make_database(self, body: Body) -> int:
        return self.api.create("/api/database", body, made=lambda: _id_of(body, self.databases()))

    def make_collection(self, body: Body) -> int:
        def made() -> int | None:
            return _id_of(body, [c for c in self.collections() if isinstance(c.id, int)])

        return self.api.create("/api/collection", body, made=made)

    def make(self, model: str, body: Body, *, is_it: Callable[[Item], bool]) -> int:
        """Create a card or dashboard; `is_it` recognizes it in the collection if no answer came."""

        def made() -> int | None:
            there = self.items(body["collection_id"])
            return next((item.id for item in there if item.model == model and is_it(item)), None)

        return self.api.create(f"/api/{model}", body, made=made)

    def change(self, model: str, which: int, body: Body) -> None:
        self.api.write("PUT", f"/api/{model}/{which}", body, read=lambda _: None)

    def archive(self, model: str, which: int) -> None:
        """Moves it to Metabase's trash, where it can be restored."""
        self.change(model, which, {"archived": True})


def _id_of(body: Body, among: list[Any]) -> int | None:
    return next((int(found.id) for found in among if found.name == body["name"]), None)


def _read(of: Any) -> Callable[[bytes], Any]:
    return lambda body: msgspec.json.decode(body, type=of)


def _whole_dashboard(body: bytes) -> Dashboard:
    """With all fields of its dashcards: those that are not ours are sent back unchanged."""
    found = msgspec.json.decode(body, type=Dashboard)
    dashcards = msgspec.json.decode(body)["dashcards"]
    for dashcard, whole in zip(found.dashcards, dashcards, strict=True):
        dashcard.whole = whole
    return found
