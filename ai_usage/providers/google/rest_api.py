"""Lists of Google's REST APIs: pages by token, of which any may be empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import msgspec

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import FEW_BYTES, Room
from ai_usage.ingest.http.errors import Refused
from ai_usage.ingest.http.paging import Page, Query

NEXT_PAGE = "nextPageToken"


@dataclass
class RestApi(Api):
    """One of Google's APIs. What is empty is left out of an answer: `{}` is a page without items."""

    @classmethod
    def over(cls, api: Api) -> "RestApi":
        """The same API, asked for lists."""
        return cls(api.words, api.http, api.patience)

    def listed(self, path: str, query: Query | Mapping[str, Any], *, items: str, by_post: bool = False) -> list[Page]:
        """Every page to the last. A page may be empty and have a token; a token that comes twice, or more pages than
        the limits allow, is an `IncompleteAnswer`. `by_post` sends the query as a JSON body.
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
            token = page.beside.get(NEXT_PAGE) or ""
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


def of_projects(projects: Sequence[str], refused: Mapping[str, Refused]) -> dict[str, Any]:
    """What an answer's envelope has of the projects that were asked, and of those that may not be read."""
    words = {project: refusal.explanation for project, refusal in refused.items()}
    return {"projects": list(projects), **({"refused_projects": words} if words else {})}
