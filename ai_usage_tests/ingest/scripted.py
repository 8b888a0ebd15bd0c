"""A provider for tests of HTTP that answers as scripted, without a network."""

from collections.abc import Callable

import httpx

from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.paging import Page, Query
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience

KEY = "sk-secret-0123456789"
AT_ONCE = Patience(attempts=4, first_wait=0, jitter=0)
ACME = ApiWords(
    name="Acme",
    advice={
        300: "Mend ACME_URL.",
        400: "Ask the maintainers.",
        401: "Set ACME_KEY.",
        403: "It needs read:spend.",
        404: "See the plan.",
        429: "Come back later.",
        500: "See their status page.",
    },
)
GOOD = httpx.Response(200, json={"data": [1]})
Step = httpx.Response | Exception | Callable[[], httpx.Response]


class Script:
    """A provider that answers step by step and then repeats the last; `asked` holds the requests."""

    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        answer = step if isinstance(step, httpx.Response) else step()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def api(self, patience: Patience = AT_ONCE) -> Api:
        transport = httpx.MockTransport(self)
        return Api(ACME, http_client("https://acme.test/pre", {"x-api-key": KEY}, transport), patience)

    def page(self, patience: Patience = AT_ONCE) -> Page:
        return self.api(patience).get("/v1/spend", {"a": 1}, read=lambda body: Page.read(body, items="data"))

    def pages(self, following: Callable[[Page], Query | None] | None = None, cap: int = 9) -> list[Page]:
        return self.api().pages("/v1/spend", {"a": 1}, following=following or by_next, cap=cap)


def by_next(page: Page) -> Query | None:
    return {"page": page.beside["next"]} if page.beside.get("next") else None


def sheet(data: list[int], to: str | None = None) -> httpx.Response:
    return httpx.Response(200, json={"data": data, "next": to})


def refused(status: int, **headers: str) -> httpx.Response:
    body = {"error": {"type": "some_error", "message": "Something is off"}, "request_id": "req_in_body"}
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
