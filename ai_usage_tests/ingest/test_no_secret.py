"""No error contains a key, whatever a provider or proxy echoes and however the key is encoded."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import RefreshError

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import ApiError, Refused
from ai_usage.ingest.http.paging import Page, Query
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.sheet.client import GoogleSheet
from ai_usage.sheet.wire import session_over
from ai_usage_tests.encodings import ENCODINGS, leaks
from ai_usage_tests.ingest.hostile import serving

KEY = "sk-ant-admin01-Qw9/eR+7tYu_2IoPaS4dFgHjK1lZxCvB6nM8qWeR3tY"
ACME = ApiWords(name="Acme", advice={401: "Set ACME_KEY."})
TWICE = Patience(attempts=2, first_wait=0, jitter=0)
Step = httpx.Response | Exception


def answer(status: int, body: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=body.encode(), headers=named)


KINDS: dict[str, Callable[[str], Step]] = {
    "message": lambda secret: answer(401, '{"error": {"type": "no", "message": "bad key ' + secret + '"}}'),
    "request id in the body": lambda secret: answer(403, '{"error": "no", "request_id": "' + secret + '"}'),
    "request id in a header": lambda secret: answer(404, "{}", request_id=secret),
    "code": lambda secret: answer(400, '{"error": {"message": "no", "details": {"code": "' + secret + '"}}}'),
    "flat": lambda secret: answer(429, '{"message": "' + secret + '", "code": "x"}', x_should_retry="false"),
    "text": lambda secret: answer(500, f"upstream: {secret}"),
    "text that is cut": lambda secret: answer(502, "." * 170 + secret),
    "redirect": lambda secret: answer(302, secret, location="https://elsewhere.test/"),
    "no answer": httpx.ConnectError,
    "proxy": lambda secret: httpx.ProxyError(f"407 {secret}"),
    "broken answer": lambda secret: httpx.RemoteProtocolError(f"illegal header line: {secret!r}"),
    "encoding": httpx.DecodingError,
    "login page": lambda secret: answer(200, f"<title>{secret}</title> Log in", content_type="text/html"),
    "no JSON": lambda secret: answer(200, '{"data": ' + secret),
    "no UTF-8": lambda secret: httpx.Response(200, content=b'{"data": "\xff"}' + secret.encode()),
    "another shape": lambda secret: answer(200, '{"data": {}}', request_id=secret),
    "cursor": lambda secret: answer(
        200, '{"data": [1], "next": "' + secret.replace("\\", "\\\\").replace('"', "") + '"}'
    ),
}


def everything_of(error: BaseException) -> str:
    """Everything that can be stored of an error: its text, and its causes."""
    texts = [str(error), repr(error), repr(error.args), repr(vars(error))]
    behind = error.__cause__ or error.__context__
    return "\n".join([*texts, *([everything_of(behind)] if behind else [])])


def by_number(page: Page) -> Query | None:
    return {"page": int(page.beside["next"])}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_error_names_the_key(kind: str, encoding: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quoted = ENCODINGS[encoding](KEY)

    def answering(_: httpx.Request) -> httpx.Response:
        step = KINDS[kind](quoted)
        if isinstance(step, Exception):
            raise step
        return step

    api = Api(ACME, http_client("https://acme.test", {"x-api-key": KEY}, httpx.MockTransport(answering)), TWICE)
    with pytest.raises(ApiError, match=r"^Acme /v1/spend") as caught:
        api.pages("/v1/spend", {}, following=by_number)
    texts = everything_of(caught.value) + caplog.text
    assert leaks(texts, KEY) == []
    assert str(caught.value).isprintable()
    if kind in {"message", "text", "flat", "no answer", "login page"}:
        assert "(key)" in str(caught.value)
    if isinstance(caught.value, Refused):
        assert leaks(caught.value.explanation, KEY) == []


@pytest.mark.parametrize("encoding", ["plain", "json dashes", "base64 of basic", "percent"])
def test_cursors_key_is_as_secret_as_what_is_sent_of_it(encoding: str) -> None:
    key = "crsr_4f9a8b7c6d5e4f3a2b1c0d9e"
    quoted = ENCODINGS[encoding](key)
    refusal = {"error": "Unauthorized", "message": f"Basic {quoted} is no key", "request_id": quoted}
    transport = httpx.MockTransport(lambda _: httpx.Response(401, json=refusal))
    admin = CursorAdmin.open(
        base_url="https://mock.test", key=key, now=lambda: datetime.now(UTC), pace=lambda _: None, transport=transport
    )
    with pytest.raises(ApiError, match="answered 401") as caught:
        admin.members()
    assert leaks(everything_of(caught.value), key) == []


def test_a_header_that_the_http_library_quotes_names_no_key() -> None:
    """h11 quotes a line that it cannot read."""
    with (
        serving(lambda connection: connection.sendall(f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode())) as server,
        http_client(server.url, {"x-api-key": KEY}) as client,
        pytest.raises(ApiError, match="broke off") as caught,
    ):
        Api(ACME, client, Patience(attempts=1)).get("/v1/spend", {}, read=bytes)
    assert leaks(everything_of(caught.value), KEY) == []


TOKEN = "ya29.a0AfB_byC-2mN3kL4jH5gF6dS7aP8oI9uY0tR"


class Granted(AnonymousCredentials):
    """A client with a token like Google's, which is valid for an hour."""

    def before_request(self, request: object, method: str, url: str, headers: dict[str, str]) -> None:
        headers["authorization"] = f"Bearer {TOKEN}"


@pytest.fixture
def google() -> Iterator[tuple[GoogleSheet, list[httpx.Response | Exception]]]:
    steps: list[httpx.Response | Exception] = []

    def answered(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"].endswith(TOKEN)
        if isinstance(steps[0], Exception):
            raise steps[0]
        return steps[0]

    with closing(GoogleSheet.open("id", base_url="https://mock.test")) as sheet:
        wire = http_client("https://mock.test", {}, httpx.MockTransport(answered))
        sheet.client.http_client.session = session_over(wire, Granted())  # type: ignore[no-untyped-call]
        sheet.patience = Patience(attempts=1)
        yield sheet, steps


@pytest.mark.parametrize("encoding", ["plain", "json, all signs", "base64 of a line", "percent"])
def test_googles_token_is_named_by_no_error(
    google: tuple[GoogleSheet, list[httpx.Response | Exception]], encoding: str
) -> None:
    sheet, steps = google
    quoted = ENCODINGS[encoding](TOKEN)
    for step in (
        answer(403, '{"error": {"message": "bad token ' + quoted + '"}}'),
        answer(500, f"<h1>{quoted}</h1>"),
        answer(200, f"<h1>{quoted}</h1>", content_type="text/html"),
        httpx.ConnectError(quoted),
        RefreshError(f"invalid_grant: {quoted}"),  # type: ignore[no-untyped-call]
    ):
        steps[:] = [step]
        with pytest.raises(ApiError) as caught:
            sheet.version()
        assert leaks(everything_of(caught.value), TOKEN) == []
