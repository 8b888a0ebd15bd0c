"""The simulator as something to start and stop: one organization, its providers, a server on the loopback.

It serves from a daemon thread, so that a test or a demo can be client and server at once.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from threading import Event, Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from ai_usage.simulator.claude_api import LACKS as CLAUDE_LACKS
from ai_usage.simulator.claude_api import PREFIX, ClaudeApi
from ai_usage.simulator.claude_days import ClaudeDays, version
from ai_usage.simulator.claude_keys import ADMIN_KEY, ANALYTICS_KEY
from ai_usage.simulator.claude_uses import Day
from ai_usage.simulator.cursor_api import CURSOR_KEY, CURSOR_PREFIX, CursorApi
from ai_usage.simulator.cursor_api import LACKS as CURSOR_LACKS
from ai_usage.simulator.cursor_calendar import settled
from ai_usage.simulator.cursor_days import CursorDay, CursorDays
from ai_usage.simulator.cursor_team import cursor_team
from ai_usage.simulator.cursor_usage import COMMITS_A_PAGE
from ai_usage.simulator.faults import Fault, Faults
from ai_usage.simulator.faulty_app import CONTROL, FaultyApp, Request
from ai_usage.simulator.google_api import GOOGLE_PREFIX, GoogleApi
from ai_usage.simulator.google_cloud import CLOUD_PREFIX, GoogleCloud, GoogleOffer, cloud_urls
from ai_usage.simulator.google_company import google_company
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.google_uses import GoogleDay
from ai_usage.simulator.google_wire import LACKS as CLOUD_LACKS
from ai_usage.simulator.openai_api import (
    CODEX_BASE,
    CODEX_KEY,
    CODEX_PREFIX,
    OPENAI_BASE,
    OPENAI_KEY,
    OPENAI_PREFIX,
    OpenAiApi,
)
from ai_usage.simulator.openai_api import LACKS as OPENAI_LACKS
from ai_usage.simulator.openai_codex_days import CodexDays
from ai_usage.simulator.openai_company import company
from ai_usage.simulator.openai_days import OpenAiDays
from ai_usage.simulator.openai_days import version as openai_version
from ai_usage.simulator.openai_uses import OpenAiDay
from ai_usage.simulator.organization import Organization, organization
from ai_usage.simulator.people_days import PeopleDays, PersonDay
from ai_usage.simulator.sheet import Sheet
from ai_usage.simulator.sheet_tabs import SheetMaker


@dataclass(frozen=True)
class World:
    """What is true, whoever asks and whenever: it follows from the seed alone."""

    organization: Organization
    claude: ClaudeDays
    people: PeopleDays
    cursor: CursorDays
    openai: OpenAiDays
    codex: CodexDays
    google: GoogleDays


class SimulatedAccount(NamedTuple):
    """One organization or team of a provider: where it answers, its credentials, and what else a client must know."""

    name: str
    base_url: str
    credentials: dict[str, str]
    options: dict[str, str] = {}  # noqa: RUF012 - read only


@lru_cache(maxsize=2)
def world_of(seed: int, cursor_scale: float) -> World:
    """One for all simulators of a process: its days take longer to make than to serve."""
    made = organization(seed)
    cursor = CursorDays(cursor_team(made, seed), seed, cursor_scale)
    at_openai = company(made, seed)
    openai, codex = OpenAiDays(at_openai, seed), CodexDays(at_openai, seed)
    google = GoogleDays(google_company(made, seed), seed)
    return World(made, ClaudeDays(made, seed), PeopleDays(made, seed), cursor, openai, codex, google)


class Simulator:
    """Stand-in providers at `url`, for as long as the `with` block lasts. Another `seed` is another company: its keys
    end with `key_suffix`. `openai_refuses` and `openai_usage_refuses` are dimensions by which the organization may not
    group its costs, or its usage, at OpenAI; `google` is what Google offers.
    """

    def __init__(  # noqa: PLR0913 - one switch each, all optional
        self,
        *,
        seed: int = 7,
        key_suffix: str = "",
        now: Callable[[], datetime] | datetime | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        enforce_limits: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        cursor_scale: float = 1,
        commits_a_page: int = COMMITS_A_PAGE,
        openai_refuses: Collection[str] = (),
        openai_usage_refuses: Collection[str] = (),
        openai_offers_decisions: bool = False,
        google: GoogleOffer | None = None,
    ) -> None:
        world = world_of(seed, cursor_scale)
        self.organization = world.organization
        self.faults = Faults()
        self.requests: list[Request] = []
        self.host, self.port, self.key_suffix = host, port, key_suffix
        self._now = now
        time_passes = monotonic if enforce_limits else None
        self._days, self._people, self._cursor_days = world.claude, world.people, world.cursor
        self._claude = ClaudeApi(self._days, self._people, self.now, time_passes, key_suffix=key_suffix)
        self._cursor = CursorApi(
            self._cursor_days, self.now, time_passes, commits_a_page=commits_a_page, key_suffix=key_suffix
        )
        self._openai_days, self._codex_days = world.openai, world.codex
        self.openai_company, self._offers_decisions = world.openai.company, openai_offers_decisions
        self._openai = OpenAiApi(
            world.openai,
            world.codex,
            self.now,
            key_suffix=key_suffix,
            refuses=openai_refuses,
            usage_refuses=openai_usage_refuses,
            offers_decisions=openai_offers_decisions,
        )
        self._google_days, self.google_company = world.google, world.google.company
        self._cloud = GoogleCloud(world.google, self.now, google or GoogleOffer(), time_passes, key_suffix=key_suffix)
        maker = SheetMaker(world.claude, world.people, world.cursor, world.openai, world.google, seed)
        self.sheet = Sheet(maker.contents, self.now)
        self._google = GoogleApi(self.sheet, time_passes)
        self._server: _Server | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def anthropic_url(self) -> str:
        return self.url + PREFIX

    @property
    def cursor_url(self) -> str:
        return self.url + CURSOR_PREFIX

    @property
    def openai_url(self) -> str:
        return self.url + OPENAI_BASE

    @property
    def codex_url(self) -> str:
        return self.url + CODEX_BASE

    @property
    def google_url(self) -> str:
        """Replaces both of Google's hosts."""
        return self.url + GOOGLE_PREFIX

    @property
    def cloud_urls(self) -> dict[str, str]:
        """API of Google Cloud → its base URL."""
        return cloud_urls(self.url)

    @property
    def accounts(self) -> dict[str, list[SimulatedAccount]]:
        """Provider → its organizations and teams."""
        at_google, urls = self.google_company, self.cloud_urls
        options = {f"{name}_base_url": url for name, url in urls.items() if name != "bigquery"}
        suffix, workspace = self.key_suffix, {"workspace_id": self.openai_company.workspace_id}
        return {
            "anthropic": [
                SimulatedAccount("default", self.anthropic_url, {"admin_key": ADMIN_KEY + suffix}),
                SimulatedAccount("enterprise", self.anthropic_url, {"analytics_key": ANALYTICS_KEY + suffix}),
            ],
            "cursor": [SimulatedAccount("default", self.cursor_url, {"admin_key": CURSOR_KEY + suffix})],
            "openai": [
                SimulatedAccount("default", self.openai_url, {"admin_key": OPENAI_KEY + suffix}),
                SimulatedAccount("chatgpt", self.codex_url, {"codex_key": CODEX_KEY + suffix}, workspace),
            ],
            "google": [SimulatedAccount("default", urls["bigquery"], at_google.names, options)],
        }

    def now(self) -> datetime:
        """What time the providers think it is, in UTC."""
        now = self._now() if callable(self._now) else self._now or datetime.now(UTC)
        if now.tzinfo is None:
            raise ValueError(f"the simulator's clock needs a time zone: {now}")
        return now.astimezone(UTC)

    def day(self, day: date) -> Day:
        """The truth of a day, as much of it as is visible by now."""
        return self._days.visible(day, version(day, self.now()))

    def people_day(self, day: date) -> tuple[PersonDay, ...]:
        """The truth of who used claude.ai on a day, as reported by now."""
        return self._people.visible(day, self.now())

    def cursor_day(self, day: date) -> CursorDay:
        """The truth of a day at Cursor, as far as it is settled by now."""
        return self._cursor_days.visible(day, settled(self.now()))

    def openai_day(self, day: date) -> OpenAiDay:
        """The truth of a day at OpenAI, as much of it as is visible by now, with what people did with Codex."""
        seen = openai_version(day, self.now())
        shown = self._openai_days.visible(day, seen, decisions=self._offers_decisions)
        return replace(shown, codex=self._codex_days.visible(day, self.now()))

    def google_day(self, day: date) -> GoogleDay:
        """The truth of a day at Google Cloud, as much of it as there is by now; in dollars."""
        return self._google_days.visible(day, self.now())

    def start(self) -> Self:
        """Serve; OSError if the port is taken."""
        # With its protocol named, asyncio turns off Nagle's algorithm: 40 ms an answer otherwise.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._server = server = _Server(self._app())
        self._thread = Thread(target=server.run, args=([listener],), name="simulator", daemon=True)
        self._thread.start()
        server.ready.wait()
        return self

    def stop(self) -> None:
        """Stop serving, and wait until every socket is closed. Harmless when not started."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _app(self) -> FaultyApp:
        routes = [
            Route(f"{CONTROL}/requests", self._show_requests, methods=["GET"]),
            Route(f"{CONTROL}/faults", self._plan_fault, methods=["POST"]),
            Route(f"{CONTROL}/faults", self._clear_faults, methods=["DELETE"]),
            *self._claude.routes(),
            *self._cursor.routes(),
            *self._openai.routes(),
            *self._google.routes(),
            *self._cloud.routes(),
        ]
        return FaultyApp(
            Starlette(routes=routes),
            self.faults,
            self.requests,
            errors=self._error,
            lacks=self._lacks,
            transport=self._transport,
        )

    def _error(self, path: str, status: int, message: str | None = None) -> Response:
        if path.startswith(CURSOR_PREFIX):
            return self._cursor.error(status, path, message)
        if path.startswith(CLOUD_PREFIX):
            return self._cloud.error(status, path, message)
        if path.startswith(GOOGLE_PREFIX):
            return self._google.error(status, path, message)
        if path.startswith((OPENAI_PREFIX, CODEX_PREFIX)):
            return self._openai.error(status, message)
        return self._claude.error(status, message) if path.startswith(PREFIX) else Response(status_code=status)

    def _lacks(self, path: str, status: int) -> str:
        lacks = {CURSOR_PREFIX: CURSOR_LACKS, OPENAI_PREFIX: OPENAI_LACKS, CODEX_PREFIX: OPENAI_LACKS}
        lacks[CLOUD_PREFIX] = CLOUD_LACKS
        words = next((words for prefix, words in lacks.items() if path.startswith(prefix)), CLAUDE_LACKS)
        return words.get(status, "Not available")

    def _transport(self, client: Any) -> asyncio.Transport | None:
        connections = self._server.server_state.connections if self._server else set()
        return next((c.transport for c in connections if getattr(c, "client", None) == tuple(client)), None)

    async def _show_requests(self, request: HttpRequest) -> Response:
        return _json([asdict(seen) for seen in self.requests])

    async def _plan_fault(self, request: HttpRequest) -> Response:
        try:
            fault = msgspec.json.decode(await request.body(), type=Fault)
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        return _json(self.faults.add(fault), 201)

    async def _clear_faults(self, request: HttpRequest) -> Response:
        self.faults.clear()
        return Response(status_code=204)


class _Server(uvicorn.Server):
    """Uvicorn, quiet, that signals when it serves."""

    def __init__(self, app: FaultyApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
