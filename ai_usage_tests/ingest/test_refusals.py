"""The text of an HTTP error, which contains no key."""

import logging
from contextlib import closing

import httpx
import pytest

from ai_usage.errors import SettingError
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import (
    ApiDown,
    ApiError,
    BadRequest,
    KeyRefused,
    NotFound,
    NotPermitted,
    NotTheApi,
    RateLimited,
    Refused,
)
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import ANTHROPIC_URL, CURSOR_URL, settings
from ai_usage_tests.ingest.scripted import ACME, KEY, Script, Step, refused

LOGIN = b"\n<!DOCTYPE html><html><head><title>Sign in</title><style>b{}</style></head><body>to <b>Corp</b> net</body>"


@pytest.mark.parametrize(
    ("page", "what"),
    [
        (httpx.Response(200, html=LOGIN.decode()), "text/html with status 200 that begins with “Sign in to Corp net”"),
        (httpx.Response(200, content=LOGIN), "a body without a content type with status 200 that begins with “Sign in"),
        (
            httpx.Response(200, text=f"Please log in, {KEY}\x1b[31m" + "!" * 999),
            "text/plain with status 200 that begins with “Please log in, (key) [31m!",
        ),
        (
            httpx.Response(200, content=b"<script>", headers={"content-type": "text/html"}),
            "text/html with status 200, ",
        ),
    ],
)
def test_a_page_of_a_proxy_is_named_and_not_requested_again(page: httpx.Response, what: str) -> None:
    script = Script(page)
    with pytest.raises(NotTheApi) as caught:
        script.page()
    assert len(script.asked) == 1
    assert str(caught.value).startswith(f"Acme /v1/spend: the answer is {what}")
    assert str(caught.value).endswith("check the network's proxy and the base URL.")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("base_url", "ends"),
    [
        ("https://api.acme.test", "See the plan."),
        ("https://api.acme.test/", "See the plan."),
        ("https://gateway.test/acme", "See the plan. Or the base URL https://gateway.test/acme is wrong."),
    ],
)
def test_a_404_doubts_the_base_url_only_where_it_is_not_the_usual_one(base_url: str, ends: str) -> None:
    assert ACME.at(base_url, usual="https://api.acme.test").advice[404] == ends


def test_each_client_knows_the_usual_address_of_its_api() -> None:
    for url, is_doubted in ((None, False), ("https://gateway.test", True)):
        claude = ClaudeAdmin.open(base_url=url or ANTHROPIC_URL, admin_key=KEY)
        cursor = CursorAdmin.open(base_url=url or CURSOR_URL, key=KEY, now=settings().now)
        with closing(claude), closing(cursor):
            for api in (claude.admin, claude.analytics, cursor.api):
                assert ("base URL" in api.words.advice[404]) == is_doubted
                assert "BASE_URL" not in api.words.advice[404]


REFUSALS: list[tuple[httpx.Response, type[Refused], str]] = [
    (refused(400), BadRequest, "Ask the maintainers."),
    (refused(401), KeyRefused, "Set ACME_KEY."),
    (refused(402), BadRequest, "Ask the maintainers."),
    (refused(403), NotPermitted, "It needs read:spend."),
    (refused(404), NotFound, "See the plan."),
    (refused(429, x_should_retry="false"), RateLimited, "Come back later."),
    (refused(500, x_should_retry="false"), ApiDown, "See their status page."),
    (refused(501), ApiDown, "See their status page."),
    (refused(302, location="https://elsewhere.test/"), BadRequest, "Mend ACME_URL."),
]


@pytest.mark.parametrize(("answer", "kind", "advice"), REFUSALS)
def test_a_permanent_refusal_is_raised_at_once_with_all_details(
    answer: httpx.Response, kind: type[Refused], advice: str
) -> None:
    script = Script(answer)
    with pytest.raises(kind) as caught:
        script.page()
    assert type(caught.value) is kind
    assert [request.url.host for request in script.asked] == ["acme.test"]
    assert str(caught.value) == (
        f"Acme /v1/spend answered {answer.status_code}: Something is off (some_error); request id req_in_body. {advice}"
    )


@pytest.mark.parametrize("name", ["request-id", "x-request-id"])
def test_the_request_id_of_the_header_comes_first(name: str) -> None:
    with pytest.raises(KeyRefused, match="request id req_in_header"):
        Script(httpx.Response(401, json={"request_id": "req_b"}, headers={name: "req_in_header"})).page()


@pytest.mark.parametrize(
    ("content", "quoted"),
    [
        (b"", ": no explanation; request id none. Set"),
        (b"<h1>\n  Bad\n  gateway</h1>", ": <h1> Bad gateway</h1>;"),
        (b'{"error": "plain"}', ': {"error": "plain"};'),
        (b'{"error": {"message": "no type"}}', ": no type;"),
        (b'{"error": {"message": "m", "type": null, "param": null, "code": null}}', ": m;"),
        (b'{"error": {"message": "m", "type": "t", "param": "group_by"}}', ": m (t, parameter group_by);"),
        (b'{"error": {"message": "\xff"}}', "\ufffd"),
    ],
)
def test_an_error_body_of_any_shape_is_quoted_on_one_line(content: bytes, quoted: str) -> None:
    with pytest.raises(KeyRefused) as caught:
        Script(httpx.Response(401, content=content)).page()
    assert quoted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "step",
    [
        httpx.Response(401, json={"error": {"message": f"invalid x-api-key {KEY}"}}),
        httpx.Response(502, content=b" " * 190 + f"x-api-key: {KEY}".encode()),
        httpx.ConnectError("refused"),
        httpx.Response(200, content=b"{"),
    ],
    ids=repr,
)
def test_no_error_and_no_log_holds_the_key(step: Step, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script(step)
    with pytest.raises(ApiError) as caught:
        script.page()
    texts = [caplog.text, repr(script.api())]
    chain: BaseException | None = caught.value
    while chain is not None:
        texts += [str(chain), repr(chain)]
        chain = chain.__cause__ or chain.__context__
    assert script.asked[0].headers["x-api-key"] == KEY
    assert KEY[:9] not in "\n".join(texts)


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY[:9]}…", f"{KEY}\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(SettingError, match="x-api-key") as caught:
        http_client("https://acme.test", {"x-api-key": key})
    assert KEY[:9] not in repr(caught.value)
