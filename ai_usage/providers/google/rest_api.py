"""Google's REST APIs over our HTTP client: lists by page token, and access tokens of Google's own credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import msgspec

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import FEW_BYTES, Limits, Room
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.paging import Page, Query
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.google.access_tokens import AccessTokens

TOKEN = "nextPageToken"  # noqa: S105 - the name of a field


@dataclass
class RestApi(Api):
    """One of Google's APIs. What is empty is left out of an answer: `{}` is a page without items."""

    @classmethod
    def open(
        cls,
        words: ApiWords,
        base_url: str,
        *,
        usual: str,
        tokens: AccessTokens | None = None,
        a_minute: int = 0,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        limits: Limits | None = None,
    ) -> "RestApi":
        """An API at its base URL, or a stand-in for it. Without `tokens` nothing identifies us."""
        http = http_client(base_url, {}, transport, limits)
        if tokens:
            http.auth = tokens
        if a_minute:
            http.event_hooks["request"] = [Pace({}, a_minute)]
        return cls(words.at(base_url, usual=usual), http, patience or Patience())

    def listed(self, path: str, query: Query | Mapping[str, Any], *, items: str, by_post: bool = False) -> list[Page]:
        """Every page to the last. A page may be empty and have a token; a token that comes twice, or more pages than
        the limits allow, is an `IncompleteAnswer`.
        """
        room, cap = Room(self.http.limits), self.http.limits.pages
        got: list[Page] = []
        seen: set[str] = set()
        token = ""

        def read(response: httpx.Response) -> Page:
            page = page_of(response.content, items=items)
            room.take(len(response.content), len(page.items), page.beside_bytes)
            return page

        while True:
            if len(got) == cap:
                raise self._incomplete(path, f"has more than {cap} pages (AI_USAGE_ANSWER_PAGES)")
            asked = {**query, **({"pageToken": token} if token else {})}
            get = partial(self.http.get, path, params=asked)
            page = self._tried(path, read, partial(self.http.post, path, json=asked) if by_post else get)
            got.append(page)
            token = page.beside.get(TOKEN) or ""
            if not token:
                return got
            if token in seen:
                raise self._incomplete(path, "sent the same page token twice")
            seen.add(token)


def page_of(body: bytes, *, items: str) -> Page:
    """A JSON object, parted at its list `items`, which Google leaves out where it is empty."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    inside = msgspec.json.decode(fields.pop(items, b"[]"), type=list[msgspec.Raw])
    beside_bytes = sum(map(len, fields.values()))
    if beside_bytes > FEW_BYTES:
        raise msgspec.ValidationError(f"{beside_bytes:,} bytes stand beside its {items!r}")
    beside = {name: msgspec.json.decode(value) for name, value in fields.items()}
    return Page([bytes(item) for item in inside], beside, beside_bytes=beside_bytes)
