"""Which requests the UI answers, and which it refuses: on loopback, and behind a proxy."""

from dataclasses import replace

import pytest
from starlette.datastructures import Headers

from ai_usage.errors import SettingError
from ai_usage.settings import read_settings, settings
from ai_usage.webserver.requests import FOREIGN, NOT_JSON, WRONG_HOST, Site

LOCAL = "127.0.0.1:3000"
EVIL = "https://evil.example"
JSON = "application/json"
ON_LOOPBACK = Site.of(settings())
BEHIND_A_PROXY = Site.of(
    replace(settings(), ui_url="https://Usage.example.com:443/dagster", ui_hosts=("ui:3000", "usage.lan"))
)


def asked(site: Site, method: str = "GET", **headers: str) -> str:
    """The reason of the refusal. `sec_fetch_site` is the header Sec-Fetch-Site."""
    return site.refusal(method, Headers({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.mark.parametrize("host", [LOCAL, "localhost", "localhost:8080", "[::1]:3000", "LOCALHOST:3000"])
def test_loopback_is_answered_under_each_of_its_names_and_ports(host: str) -> None:
    """Another port is a forwarded one: a browser sends the name and port of its address bar."""
    assert asked(ON_LOOPBACK, host=host) == ""
    assert asked(ON_LOOPBACK, "POST", host=host, content_type=JSON) == ""
    assert asked(ON_LOOPBACK, "POST", host=host, origin=f"http://{host}", content_type=JSON) == ""


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost.evil.example:3000"),
        *("127.0.0.1:3000@e", "localhost, evil.example", "0.0.0.0:3000", "[::1", "ui:3001"),
    ],
)
def test_a_name_that_another_may_own_is_refused_whatever_it_resolves_to(host: str) -> None:
    for site in (ON_LOOPBACK, BEHIND_A_PROXY):
        assert asked(site, host=host) == WRONG_HOST
    assert ON_LOOPBACK.refusal("GET", Headers(raw=[(b"host", b"localhost"), (b"host", b"evil.example")])) == WRONG_HOST
    assert ON_LOOPBACK.refusal("GET", Headers({})) == WRONG_HOST


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "origin",
    [EVIL, "null", "http://127.0.0.1:3001", "http://localhost:3000", "http://127.0.0.1:3000.evil.example", "x"],
)
def test_another_origin_is_refused_by_any_method_and_other_ports_of_loopback_are_others(
    method: str, origin: str
) -> None:
    assert asked(ON_LOOPBACK, method, host=LOCAL, origin=origin, content_type=JSON) == FOREIGN


@pytest.mark.parametrize("site", ["cross-site", "same-site", "what-comes-next"])
def test_without_an_origin_the_browsers_fetch_site_counts(site: str) -> None:
    """An image, a frame or a script of another page has no Origin. A link that a person follows has none either."""
    for kind in ("image", "iframe", "script", "empty"):
        assert asked(ON_LOOPBACK, host=LOCAL, sec_fetch_site=site, sec_fetch_dest=kind, sec_fetch_mode="navigate")
    link = {"host": LOCAL, "sec_fetch_site": site, "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert asked(ON_LOOPBACK, **link) == ""
    assert asked(ON_LOOPBACK, "POST", content_type=JSON, **link) == FOREIGN
    for own in ("same-origin", "none"):
        assert asked(ON_LOOPBACK, host=LOCAL, sec_fetch_site=own, sec_fetch_dest="image") == ""


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "text/plain; x=application/json", "multipart/form-data", "application/x-www-form-urlencoded"],
)
def test_what_any_page_may_send_unasked_changes_nothing(kind: str) -> None:
    """A browser that sends no origin: only requests that need a preflight are accepted."""
    assert asked(ON_LOOPBACK, "POST", host=LOCAL, content_type=kind) == NOT_JSON
    assert asked(ON_LOOPBACK, "POST", host=LOCAL, content_type="Application/JSON; charset=utf-8") == ""


def test_behind_a_proxy_its_name_counts_with_its_scheme_and_loopback_still_works() -> None:
    own = "https://usage.example.com"
    for host in ("usage.example.com", "ui:3000", LOCAL):  # the proxy may pass on any of these as Host
        assert asked(BEHIND_A_PROXY, "POST", host=host, origin=own, content_type=JSON) == ""
        assert asked(BEHIND_A_PROXY, "POST", host=host, origin=EVIL, content_type=JSON) == FOREIGN
        assert asked(BEHIND_A_PROXY, "POST", host=host, origin="http://usage.example.com", content_type=JSON) == FOREIGN
    assert asked(BEHIND_A_PROXY, host="usage.lan:8443", origin="http://usage.lan:8443") == ""
    assert asked(ON_LOOPBACK, host="usage.example.com") == WRONG_HOST


@pytest.mark.parametrize("hosts", ["*", "https://usage.example.com", "a b", "usage.example.com/ui", "user@host"])
def test_a_host_that_is_none_is_a_setting_error(hosts: str) -> None:
    with pytest.raises(SettingError, match="AI_USAGE_UI_HOSTS must be names"):
        read_settings({"AI_USAGE_UI_HOSTS": hosts})
    assert read_settings({"AI_USAGE_UI_HOSTS": " Usage.lan , ui:3000,"}).ui_hosts == ("usage.lan", "ui:3000")
