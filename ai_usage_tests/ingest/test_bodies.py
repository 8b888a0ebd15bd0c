"""Limits of an answer: whatever a provider sends, a process stays within its memory and names the limit."""

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import FEW_BYTES, MEGABYTE, Limits
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import (
    ApiError,
    DamagedAnswer,
    IncompleteAnswer,
    KeyRefused,
    TooLarge,
    UnexpectedAnswer,
)
from ai_usage.ingest.http.paging import Page, Query
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.sheet.client import GoogleSheet
from ai_usage_tests.ingest.hostile import HEAD, Treat, bomb, sending, serving

ACME = ApiWords(name="Acme", advice={})
ONCE = Patience(attempts=1)
SMALL = Limits(page_bytes=MEGABYTE, answer_bytes=2 * MEGABYTE)
GZIP = HEAD + b"content-encoding: gzip\r\n"
NOTHING = b"\x00\x00\x00\xff\xff" * 20_000  # stored blocks of deflate without any content
DAY = date(2026, 11, 10)


def by_next(page: Page) -> Query | None:
    return {"page": page.beside["next"]} if page.beside.get("next") else None


def read(treat: Treat, limits: Limits = SMALL) -> list[Page]:
    with serving(treat) as server, http_client(server.url, {}, limits=limits) as client:
        return Api(ACME, client, ONCE).pages("/v1/spend", {}, following=by_next)


LARGER = r"Acme /v1/spend: the answer is larger than 1 MB \(AI_USAGE_PAGE_MEGABYTES\): nothing of this answer is kept"


@pytest.mark.parametrize(
    "treat",
    [
        sending(b"[" * MEGABYTE, repeat=1000),
        sending(bomb(200), GZIP),
        sending(NOTHING, HEAD + b"content-encoding: deflate\r\n", repeat=1000),
    ],
    ids=["endless", "gzip bomb", "nothing, endlessly"],
)
def test_more_than_a_page_may_have_is_not_read(treat: Treat) -> None:
    with pytest.raises(TooLarge, match=LARGER):
        read(treat)


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "gzip\t,deflate"])
def test_a_compression_that_was_not_asked_for_is_no_answer(coding: str) -> None:
    """An answer that is compressed twice can hold a terabyte in a megabyte."""
    with pytest.raises(DamagedAnswer, match="which was not asked for"):
        read(sending(gzip.compress(bomb(50)), HEAD + f"content-encoding: {coding}\r\n".encode()))


BODY = b'{"data": [1, 2], "next": null}'
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
CODED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "DEFLATE": RAW.compress(BODY) + RAW.flush(),
    "identity": BODY,
    "": BODY,
}


@pytest.mark.parametrize("coding", CODED)
def test_what_was_asked_for_is_read_whole(coding: str) -> None:
    [page] = read(sending(CODED[coding], HEAD + f"content-encoding: {coding}\r\n".encode()))
    assert page.items == [b"1", b"2"]


def test_a_large_page_comes_through_its_compression_byte_by_byte() -> None:
    items = ",".join(f'"{n * 7919:064x}"' for n in range(20_000))
    body = f'{{"data": [{items}], "next": null}}'.encode()
    assert len(body) > MEGABYTE
    [page] = read(sending(gzip.compress(body), GZIP), replace(SMALL, page_bytes=len(body), answer_bytes=2**30))
    assert b",".join(page.items) == items.encode()


@pytest.mark.parametrize("cut", [10, 30, -9, -1])
def test_a_compressed_answer_that_is_cut_is_damaged(cut: int) -> None:
    with pytest.raises(DamagedAnswer, match="broke off"):
        read(sending(gzip.compress(BODY)[:cut], GZIP))


@pytest.mark.parametrize("head", [b"", b"content-encoding: gzip\r\n"])
def test_of_a_refusal_no_more_is_read_than_its_beginning(head: bytes) -> None:
    message = b'{"error": {"message": "no"}}' + b" " * MEGABYTE
    body = gzip.compress(message) if head else message
    with pytest.raises(KeyRefused, match="answered 401"):
        read(sending(body, b"HTTP/1.1 401 No\r\n" + head, repeat=1 if head else 1000))


class Endless:
    """Pages that always promise a next page."""

    def __init__(self, items: bytes, beside: bytes = b"0") -> None:
        self.items, self.beside, self.asked = items, beside, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        body = b'{"data": [%s], "beside": %s, "next": "%d"}' % (self.items, self.beside, self.asked)
        return httpx.Response(200, content=body)

    def read(self, limits: Limits) -> list[Page]:
        client = http_client("https://acme.test", {}, httpx.MockTransport(self), limits)
        return Api(ACME, client, ONCE).pages("/v1/spend", {}, following=by_next)


def test_endless_pages_end_with_their_bytes_their_number_or_their_records() -> None:
    endless = Endless(b'"%s"' % (b"x" * 500_000))
    with pytest.raises(TooLarge, match=r"pages of more than 2 MB \(AI_USAGE_ANSWER_MEGABYTES\)"):
        endless.read(SMALL)
    assert endless.asked == 5
    endless = Endless(b"1")
    with pytest.raises(IncompleteAnswer, match=r"more than 50 pages \(AI_USAGE_ANSWER_PAGES\)"):
        endless.read(replace(SMALL, pages=50))
    assert endless.asked == 50
    endless = Endless(b",".join([b"12"] * 5_000))
    with pytest.raises(TooLarge, match="more than 8,192 records"):
        endless.read(SMALL)
    assert endless.asked == 2


def test_the_rest_of_an_answer_is_limited() -> None:
    """The rest becomes objects that take thirty times its bytes."""
    much = b'"%s"' % (b"x" * (FEW_BYTES - 100))
    with pytest.raises(TooLarge, match="8 MB beside its records"):
        Endless(b"1", much).read(Limits())
    with pytest.raises(UnexpectedAnswer, match="bytes stand beside its 'data'"):
        Endless(b"1", b"[" + b"{}," * (FEW_BYTES // 3 + 1) + b"1]").read(Limits())


def test_a_large_page_of_tiny_values_is_none() -> None:
    limits = replace(Limits(), page_bytes=8 * MEGABYTE)
    with pytest.raises(TooLarge, match="more than 524,288 values"):
        Endless(b"1," * (3 * MEGABYTE) + b"1").read(limits)
    named = b",".join([b'"%d"' % (10**14 + n) for n in range(400_000)])
    [page] = read(sending(b'{"data": [%s]}' % named), limits)
    assert len(page.items) == 400_000


def nested(levels: int, inside: str = "1") -> str:
    """Nested lists, each with a neighbor, so that no sequence of brackets reveals the depth."""
    return "[[]," * levels + inside + "]" * levels


@pytest.mark.parametrize("levels", [251, 900, 5_000, 200_000])
@pytest.mark.parametrize("client", ["claude", "cursor"])
def test_deep_json_is_a_sentence(client: str, levels: int) -> None:
    record = f'{{"timestamp": "1794268800000", "more": {nested(levels)}}}'
    answers = {
        "data": f'{{"data": [{{"starting_at": "{DAY}T00:00:00Z", "results": [{record}]}}], "has_more": false}}',
        "events": f'{{"usageEvents": [{record}], "totalUsageEventsCount": 1, "pagination": {{"numPages": 1}}}}',
    }
    body = answers["data" if client == "claude" else "events"]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    opened: dict[str, Callable[[], object]] = {
        "claude": lambda: ClaudeAdmin.open(
            base_url="https://mock.test", admin_key="sk-mock", transport=transport, patience=ONCE
        ).cost_report(Span(DAY, DAY)),
        "cursor": lambda: CursorAdmin.open(
            base_url="https://mock.test",
            key="crsr_mock",
            now=lambda: datetime(2026, 11, 20, tzinfo=UTC),
            transport=transport,
            patience=ONCE,
        ).usage_events(Span(DAY, DAY)),
    }
    with pytest.raises(UnexpectedAnswer, match=r"nested (too deep|deeper than 250 levels)"):
        opened[client]()


def test_brackets_in_texts_and_many_small_lists_are_not_deep() -> None:
    client = http_client("https://mock.test", {}, httpx.MockTransport(lambda _: httpx.Response(200)))
    api = Api(ACME, client, ONCE)
    fine = [nested(249).encode(), b'{"a": "' + b'[{\\"' * 9999 + b'"}', b"[" + b"[]," * 9999 + b"[]]", b""]
    assert api.refuse_deep("/v1/spend", fine) == fine
    for deep in (nested(250).encode(), b'{"a": "\\\\"}, ' + b"[" * 251 + b"]" * 251):
        with pytest.raises(UnexpectedAnswer, match="deeper than 250"):
            api.refuse_deep("/v1/spend", [deep.ljust(502)])


@pytest.mark.parametrize("place", ["error", "me", "beside"])
def test_deep_json_outside_of_records_is_a_sentence_too(place: str) -> None:
    deep = nested(200_000 if place != "error" else 9_000)
    answers = {
        "error": httpx.Response(401, text=f'{{"error": {deep}}}'),
        "me": httpx.Response(200, text=f'{{"id": "o", "more": {deep}}}'),
        "beside": httpx.Response(200, text=f'{{"data": [], "has_more": {deep}}}'),
    }
    transport = httpx.MockTransport(lambda _: answers[place])
    admin = ClaudeAdmin.open(base_url="https://mock.test", admin_key="sk-mock", transport=transport, patience=ONCE)
    with pytest.raises(ApiError, match=r"^Claude /v1/organizations/"):
        admin.users() if place == "beside" else admin.organization()


SHEET = '{"sheets": [{"properties": {"sheetId": 1, "title": "budgets"}}]}'


@pytest.mark.parametrize(
    ("treat", "kind", "part"),
    [
        (sending(bomb(200), GZIP), TooLarge, "Google's answer is larger than 1 MB"),
        (sending(b"<title>Sign in</title>", HEAD.replace(b"application/json", b"text/html")), ApiError, "Sign in"),
        (sending(f'{{"sheets": {nested(9_000)}}}'.encode()), UnexpectedAnswer, "not what its API promises"),
        (sending(b'{"sheets": [{"properties": []}]}'), UnexpectedAnswer, "not what its API promises"),
        (sending(gzip.compress(BODY)[:9], GZIP), DamagedAnswer, "broke off"),
        (sending(b'{"error": "no code"}', b"HTTP/1.1 401 No\r\n"), KeyRefused, "Google answered 401: no code"),
    ],
    ids=["bomb", "page", "deep", "shape", "cut", "refusal"],
)
def test_the_sheet_has_the_same_limits(treat: Treat, kind: type[ApiError], part: str) -> None:
    with serving(treat) as google, closing(GoogleSheet.open("id", base_url=google.url, limits=SMALL)) as sheet:
        sheet.patience = ONCE
        with pytest.raises(kind, match=part):
            sheet.tabs({})


# In a separate process, so that only this test uses its memory.
CHILD = """
import re, sys
from pathlib import Path
from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import ApiError
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience

def megabytes():  # at most so far; getrusage would begin with what the parent had
    return int(re.search("VmHWM:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())[1]) // 1024

before = megabytes()
for url in sys.argv[1:]:
    api = Api(ApiWords(name="Acme", advice={}), http_client(url, {}), Patience(attempts=1))
    kind = "read"
    try:
        api.pages("/", {}, following=lambda page: {"page": len(page.items)} if "next" in page.beside else None)
    except ApiError as error:
        kind = type(error).__name__
    print(kind, megabytes() - before)
"""


def hostile() -> dict[str, tuple[Treat, str]]:
    """A server's answers, hundreds of megabytes in all, and the result of each."""
    return {
        "endless": (sending(b"[" * MEGABYTE, repeat=10_000), "TooLarge"),
        "bomb": (sending(bomb(2000), GZIP), "TooLarge"),
        "tiny values": (sending(b'{"data": [' + b"12," * (20 * MEGABYTE) + b"1]}"), "TooLarge"),
        "as many as may be": (sending(b'{"data": [' + b"12," * (3 * MEGABYTE) + b"1]}"), "TooLarge"),
        "wide letters": (sending(b'{"data": ["' + "\U0001f4b0".encode() * (15 * MEGABYTE) + b'"]}'), "read"),
        "deep": (sending(b'{"data": ' + b"[" * (30 * MEGABYTE)), "UnexpectedAnswer"),
        "beside": (sending(b'{"data": [1], "beside": [' + b"{}," * (MEGABYTE // 4) + b"1]}"), "read"),
        "pages": (sending(b'{"data": ["' + b"x" * (50 * MEGABYTE) + b'"], "next": 1}'), "IncompleteAnswer"),
    }


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux counts a process's memory so")
def test_memory_stays_within_its_limits_whatever_a_provider_sends() -> None:
    """With the default limits: Dagster, Polars and DuckDB themselves take some 400 MB of 1.5 GB."""
    servers = hostile()
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(treat)).url for treat, _ in servers.values()]
        child = [sys.executable, "-c", CHILD, *urls]
        done = subprocess.run(child, check=True, capture_output=True, text=True, timeout=120)
    found = dict(zip(servers, (line.split() for line in done.stdout.splitlines()), strict=True))
    assert {name: kind for name, (kind, _) in found.items()} == {name: kind for name, (_, kind) in servers.items()}
    assert max(int(grown) for _, grown in found.values()) < 1000
