"""Metabase's side of its API over loopback HTTP: stores what it gets, refuses what Metabase would refuse. It shares no
code with the client. It draws nothing and runs no query.

A test fills `keys`, changes `meddle`, and finds every request in `asked` and every write in `writes`.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

ADMIN, READER = "mb_admin-stand-in-key", "mb_reader-stand-in-key"
GRID = 24
DISPLAYS = {
    "scalar", "smartscalar", "line", "area", "bar", "row", "combo", "pie", "table", "pivot", "progress", "gauge",
    "funnel", "waterfall", "scatter",
}  # fmt: skip
FITS = {"date/single": "date", "string/=": "text", "number/=": "number"}

Json = dict[str, Any]
OTHERS: list[Json] = [
    {"id": "trash", "name": "AI usage", "archived": True},
    {"id": 800, "name": "AI usage", "archived": True},
    {"id": 801, "name": "AI usage", "personal_owner_id": 1},  # a personal collection with the same name
]
Mishap = Literal["refuse", "lose", "hang up"]  # 500 before the write; 500 after it; no answer after it


class RefusalError(Exception):
    """An answer with another status than 200, and its body."""


class NoAnswerError(Exception):
    """The connection breaks."""


def need(body: Json, **types: Any) -> None:
    """Each field exists and has its type."""
    wrong = {name: "missing required key" for name in types if name not in body}
    wrong |= {
        name: f"value must be of type {of}"
        for name, of in types.items()
        if name in body and (not isinstance(body[name], of) or isinstance(body[name], bool) is not (of is bool))
    }
    wrong |= {name: "value must be a non-blank string." for name in types if body.get(name) == ""}
    if wrong:
        raise RefusalError(400, {"errors": wrong, "specific-errors": wrong})


def demand(is_so: object, what: str) -> None:
    if not is_so:
        raise RefusalError(400, {"errors": {"_error": what}})


@dataclass
class StandIn:
    url: str = ""
    era: Literal["stages", "native", "tags as a list"] = "stages"
    bare_lists: bool = False
    has_user_setup: bool = True
    keys: Mapping[str, str] = field(default_factory=lambda: {ADMIN: "admin", READER: "reader"})
    unreadable: set[str] = field(default_factory=set)  # database files that do not open
    meddle: Callable[[int], Mishap | None] = lambda _: None  # called at each write, counted from 1
    starting: int = 0  # the number of coming health checks that report that it is not up yet
    is_dead: bool = False
    bend: Callable[[str, Any], Any] = lambda _, answer: answer  # path, answer → the answer that is sent instead
    databases: list[Json] = field(default_factory=list)
    collections: list[Json] = field(default_factory=list)
    cards: dict[int, Json] = field(default_factory=dict)
    dashboards: dict[int, Json] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    writes: list[tuple[str, str, Json]] = field(default_factory=list)  # writes that were done
    attempts: int = 0  # writes that were requested
    last_id: int = 0

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def answer(self, method: str, target: str, key: str | None, body: Json) -> Any:
        if self.is_dead:
            raise NoAnswerError
        path, params = urlsplit(target).path.rstrip("/"), parse_qs(urlsplit(target).query)
        self.asked.append((method, path))
        if path in {"/api/health", "/api/session/properties"}:
            return self.to_anybody(path)
        if key is None or key not in self.keys:
            raise RefusalError(401, "Unauthenticated")
        if method == "GET":
            return self.bend(path, self.read(path, params))
        if self.keys[key] != "admin":
            raise RefusalError(403, "You don't have permissions to do that.")
        self.attempts += 1
        mishap = self.meddle(self.attempts)
        if mishap == "refuse":
            body_sent = f"java.lang.OutOfMemoryError (key was {key}) {json.dumps(body.get('details'))}"
            raise RefusalError(500, {"message": body_sent})
        body_sent = self.write(method, path, json.loads(json.dumps(body)))
        self.writes.append((method, path, body))
        if mishap == "lose":
            raise RefusalError(502, "Bad Gateway")
        if mishap == "hang up":
            raise NoAnswerError
        return self.bend(path, body_sent)

    def to_anybody(self, path: str) -> Json:
        if path == "/api/session/properties":
            return {"has-user-setup": self.has_user_setup, "setup-token": None, "engines": {}}
        self.starting -= 1
        if self.starting >= 0:
            raise RefusalError(503, {"status": "initializing"})
        return {"status": "ok"}

    def read(self, path: str, params: Mapping[str, list[str]]) -> Any:
        if path == "/api/database":
            return self.listed([{**of, "details": {**of["details"]}} for of in self.databases])
        if path == "/api/collection/tree":
            return [{**of, "children": []} for of in [*self.collections, *OTHERS]]
        if found := re.fullmatch(r"/api/collection/(\d+)/items", path):
            return self.items(int(found[1]), params)
        if found := re.fullmatch(r"/api/(card|dashboard)/(\d+)", path):
            return self.with_server_fields(found[1], self.one(found[1], int(found[2])))
        raise RefusalError(404, "API endpoint does not exist.")

    def write(self, method: str, path: str, body: Json) -> Any:
        if (method, path) == ("POST", "/api/database"):
            return self.make_database(body)
        if (method, path) == ("POST", "/api/collection"):
            need(body, name=str)
            made = {"id": self.new_id(), "name": body["name"], "description": body.get("description")}
            self.collections.append({**made, "archived": False, "personal_owner_id": None})
            return made
        if method == "POST" and path in {"/api/card", "/api/dashboard"}:
            return self.make_card(body) if path == "/api/card" else self.make_dashboard(body)
        if (found := re.fullmatch(r"/api/(card|dashboard)/(\d+)", path)) and method == "PUT":
            one = self.one(found[1], int(found[2]))
            self.check(found[1], body, one)
            if "dashcards" in body:
                body["dashcards"] = [self.placed(dashcard, one) for dashcard in body["dashcards"]]
            one.update(body)
            return self.with_server_fields(found[1], one)
        raise RefusalError(404, "API endpoint does not exist.")

    def listed(self, items: list[Json]) -> Any:
        return items if self.bare_lists else {"data": items, "total": len(items)}

    def items(self, collection: int, params: Mapping[str, list[str]]) -> Any:
        models = params["models"]
        kinds = {"card": self.cards, "dashboard": self.dashboards}
        found = [
            {"id": of["id"], "name": of["name"], "model": model, "description": of["description"]}
            for model in models
            for of in kinds[model].values()
            if of["collection_id"] == collection and not of["archived"]
        ]
        return self.listed(found)

    def one(self, model: str, number: int) -> Json:
        kinds = {"card": self.cards, "dashboard": self.dashboards}
        if number not in kinds[model]:
            raise RefusalError(404, "Not found.")
        return kinds[model][number]

    def with_server_fields(self, model: str, one: Json) -> Json:
        """The answer of newer versions: with more fields, and queries in stages."""
        if model == "dashboard":
            cards = [{**of, "card": {"id": of["card_id"]}, "created_at": "now"} for of in one["dashcards"]]
            return {**one, "dashcards": cards, "can_write": True, "last_used_param_values": {}}
        body_sent = {**one, "can_write": True, "result_metadata": []}
        if self.era == "native" or "native" not in one["dataset_query"]:
            return body_sent
        native = one["dataset_query"]["native"]
        tags = native.get("template-tags", {})
        stage = {"lib/type": "mbql.stage/native", "native": native["query"]}
        stage["template-tags"] = list(tags.values()) if self.era == "tags as a list" else tags
        query = {"lib/type": "mbql/query", "database": one["dataset_query"]["database"], "stages": [stage]}
        return {**body_sent, "dataset_query": query}

    def make_database(self, body: Json) -> Json:
        need(body, name=str, engine=str, details=dict)
        details = body["details"]
        if body["engine"] == "duckdb":
            need(details, database_file=str)
            if details["database_file"] in self.unreadable:
                message = f"IO Error: Cannot open file {details['database_file']}: No such file or directory"
                raise RefusalError(400, {"message": message, "errors": {"database_file": "check it"}})
        elif body["engine"] == "bigquery-cloud-sdk":
            need(details, **{"project-id": str, "service-account-json": str})
            demand(json.loads(details["service-account-json"])["private_key"], "no key")
            demand(details["dataset-filters-type"] in {"inclusion", "exclusion", "all"}, "dataset-filters-type")
        else:
            raise RefusalError(400, {"errors": {"engine": "value must be a valid database engine."}})
        made = {"id": self.new_id(), "name": body["name"], "engine": body["engine"], "details": details}
        self.databases.append(made)
        return made

    def make_card(self, body: Json) -> Json:
        need(body, name=str, dataset_query=dict, display=str, visualization_settings=dict)
        self.check("card", body, {})
        number = self.new_id()
        self.cards[number] = {"description": None, "collection_id": None, "archived": False, **body, "id": number}
        return self.with_server_fields("card", self.cards[number])

    def make_dashboard(self, body: Json) -> Json:
        need(body, name=str)
        self.check("dashboard", body, {"parameters": []})
        number = self.new_id()
        empty: Json = {"description": None, "collection_id": None, "archived": False, "dashcards": [], "tabs": []}
        self.dashboards[number] = {**empty, "width": "fixed", "parameters": [], **body, "id": number}
        return self.with_server_fields("dashboard", self.dashboards[number])

    def check(self, model: str, body: Json, one: Json) -> None:
        """Every field of a body has the right type, whichever fields the body has."""
        types = {"name": str, "archived": bool, "display": str, "visualization_settings": dict, "dataset_query": dict}
        need(body, **{name: of for name, of in types.items() if name in body})
        demand(body.get("description") != "", "description must be null or not blank")
        if collection := body.get("collection_id"):
            demand(collection in {of["id"] for of in self.collections}, "collection_id")
        if "display" in body:
            demand(body["display"] in DISPLAYS, f"display {body['display']}")
        if "dataset_query" in body:
            self.check_query(body["dataset_query"])
        if "parameters" in body:
            self.check_parameters(body["parameters"])
        demand(body.get("width", "full") in {"fixed", "full"}, "width")
        for tab in body.get("tabs") or []:
            need(tab, id=int, name=str)
        if "dashcards" in body:
            self.check_layout(body["dashcards"], one, body["parameters"] if "parameters" in body else one["parameters"])

    def check_query(self, query: Json) -> None:
        need(query, type=str, database=int, native=dict)
        demand(query["database"] in {of["id"] for of in self.databases}, "there is no such database")
        need(query["native"], query=str)
        text, tags = query["native"]["query"], query["native"].get("template-tags", {})
        for name, tag in tags.items():
            need(tag, id=str, name=str, **{"display-name": str, "type": str})
            demand(tag["name"] == name, "a tag is under its name")
            demand(tag["type"] in {"text", "number", "date"}, "a plain variable")
        used = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", text))
        demand(used == tags.keys(), f"{used} in the text, {set(tags)} declared")
        demand(
            text.count("[[") == text.count("]]") == len(re.findall(r"\[\[[^\[\]]*\{\{\w+\}\}[^\[\]]*\]\]", text)), "[["
        )
        demand(len({tag["id"] for tag in tags.values()}) == len(tags), "tags have ids of their own")

    def check_parameters(self, parameters: list[Json]) -> None:
        for parameter in parameters:
            need(parameter, id=str, name=str, slug=str, type=str)
            demand(parameter["type"] in FITS, f"type {parameter['type']}")
            if parameter.get("values_source_type") == "card":
                need(parameter["values_source_config"], card_id=int, value_field=list)
                demand(parameter["values_source_config"]["card_id"] in self.cards, "values of no card")
        for key in ("id", "slug"):
            demand(len({of[key] for of in parameters}) == len(parameters), f"{key} twice")

    def check_layout(self, dashcards: list[Json], one: Json, parameters: list[Json]) -> None:
        known = {of["id"] for of in one["dashcards"]}
        types = {of["id"]: of["type"] for of in parameters}
        demand(len({of["id"] for of in dashcards}) == len(dashcards), "ids are unique")
        for of in dashcards:
            need(of, id=int, size_x=int, size_y=int, row=int, col=int)
            demand(of["id"] < 0 or of["id"] in known, f"dashcard {of['id']} is not on this dashboard")
            demand(min(of["size_x"], of["size_y"]) >= 1, "size")
            demand(min(of["row"], of["col"]) >= 0, "place")
            demand(of["col"] + of["size_x"] <= GRID, "the grid has 24 columns")
            if of.get("card_id") is None:
                virtual = of["visualization_settings"]["virtual_card"]
                demand(virtual["display"] in {"heading", "text", "link"}, "no card, and not virtual")
                continue
            demand(of["card_id"] in self.cards and not self.cards[of["card_id"]]["archived"], "there is no such card")
            for mapping in of.get("parameter_mappings") or []:
                self.check_mapping(mapping, of["card_id"], types)

    def check_mapping(self, mapping: Json, card_id: int, types: Mapping[str, str]) -> None:
        need(mapping, parameter_id=str, card_id=int, target=list)
        kind, (head, tag) = mapping["target"][:2]
        demand((kind, head) == ("variable", "template-tag"), "target of a plain variable")
        demand(mapping["card_id"] == card_id, "the card it stands on")
        demand(mapping["parameter_id"] in types, f"there is no parameter {mapping['parameter_id']}")
        tags = self.cards[card_id]["dataset_query"]["native"]["template-tags"]
        demand(tag in tags, f"the card has no tag {tag}")
        demand(FITS[types[mapping["parameter_id"]]] == tags[tag]["type"], "the filter does not fit the variable")

    def placed(self, dashcard: Json, one: Json) -> Json:
        """The dashcard as Metabase stores it: with an id, and a stage in its targets as in newer versions."""
        kept = {name: value for name, value in dashcard.items() if name not in {"card", "created_at"}}
        kept["id"] = dashcard["id"] if dashcard["id"] > 0 else self.new_id()
        kept["dashboard_id"] = one["id"]
        kept["parameter_mappings"] = [
            {**of, "target": [*of["target"][:2], {"stage-number": 0}]} if self.era != "native" else of
            for of in dashcard.get("parameter_mappings") or []
        ]
        return kept


class Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def respond(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        try:
            status, body_sent = 200, self.stand_in.answer(self.command, self.path, self.headers.get("x-api-key"), body)
        except RefusalError as refusal:
            status, body_sent = refusal.args
        except NoAnswerError:
            self.close_connection = True
            return
        text = body_sent.encode() if isinstance(body_sent, str) else json.dumps(body_sent).encode()
        self.send_response(202 if status == 200 and self.command == "PUT" else status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def do_PUT(self) -> None:
        self.respond()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def standing_in(**state: Any) -> Iterator[StandIn]:
    stand_in = StandIn(**state)
    handler = type("Bound", (Handler,), {"stand_in": stand_in})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        stand_in.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
