"""Dagster's webserver behind `Site`. Stock `dagster-webserver` and `dagster dev` answer whoever asks."""

import signal
from pathlib import Path
from typing import Any

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from ai_usage.runbook_page import ADDRESS, runbook_html
from ai_usage.webserver.requests import NO_GRAPHQL_BY_GET, Site

LIVE_DATA_EVERY = 2000  # milliseconds; this and the limits of the database are those of `dagster-webserver`
STATEMENT_TIMEOUT, POOL_RECYCLE, POOL_OVERFLOW = 15_000, 3600, 20
LAST_ANSWERS = 3  # seconds that answers may take when the server stops
PROTECTION = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"}


class OnlyOurs:
    """Answers 403, and one sentence, to every request and every WebSocket that the site refuses."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app, self.site = app, site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
        elif why := self.site.refusal(scope.get("method", "GET"), Headers(scope=scope)):
            refusal = refused(why) if scope["type"] == "http" else WebSocketClose()  # before it is accepted: 403 too
            await refusal(scope, receive, send)
        else:
            await self.app(scope, receive, _protected(send))


class OurWebserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """The UI and its API. Nothing is changed by GET."""

    def __init__(self, context: WorkspaceProcessContext, site: Site, path_prefix: str = "") -> None:
        self.site = site
        super().__init__(context, path_prefix, LIVE_DATA_EVERY)

    def build_middleware(self) -> list[Middleware]:
        return [Middleware(OnlyOurs, site=self.site), *super().build_middleware()]

    def build_routes(self) -> list[BaseRoute]:
        """Dagster's, after the page that messages link to."""
        routes: list[BaseRoute] = super().build_routes()  # type: ignore[no-untyped-call]
        return [Route(f"{self._app_path_prefix}{ADDRESS}", _runbook), *routes]

    async def graphql_http_endpoint(self, request: Request) -> Response:
        is_playground = "text/html" in request.headers.get("Accept", "")
        if request.method != "POST" and not is_playground:
            return refused(NO_GRAPHQL_BY_GET)
        response: Response = await super().graphql_http_endpoint(request)
        return response


def serve(site: Site, *, workspace: Path, host: str, port: int, path_prefix: str = "") -> None:
    """Serve the UI of DAGSTER_HOME and of a workspace file, until a signal stops it."""
    configure_loggers(log_level="WARNING")
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT, POOL_RECYCLE, POOL_OVERFLOW)
        with WorkspaceProcessContext(
            instance,
            workspace_load_target=WorkspaceFileTarget([str(workspace)]),
            version=__version__,
            code_server_log_level="warning",
        ) as context:
            app: Any = OurWebserver(context, site, path_prefix).create_asgi_app()
            uvicorn.run(
                app,
                host=host,
                port=port,
                log_level="warning",
                timeout_graceful_shutdown=LAST_ANSWERS,
                server_header=False,
            )


async def _runbook(_: Request) -> HTMLResponse:
    return HTMLResponse(runbook_html())


def refused(why: str) -> PlainTextResponse:
    return PlainTextResponse(f"{why}\n", status_code=403, headers=PROTECTION)


def _protected(send: Send) -> Send:
    async def sends(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(PROTECTION)
        await send(message)

    return sends
