"""Which requests the UI answers. It has no login, so a page of another site must neither read from it nor change
anything through the browser of a person who can reach it. Programs other than browsers are not the subject here.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from ai_usage.settings import LOOPBACK, Settings

READS = {"GET", "HEAD"}
JSON = {"application/json", "application/graphql"}  # what no page may send to another site without being asked first
SAME_SITE = {"", "same-origin", "none"}  # `Sec-Fetch-Site` of our own pages and of what a person typed

WRONG_HOST = (
    "The Host of this request is not a name of this UI. Names other than localhost stand in AI_USAGE_UI_URL or "
    "AI_USAGE_UI_HOSTS."
)
FOREIGN = "This request comes from a page of another site; only pages of this UI may send it."
NOT_JSON = "A request that may change something must have the content type application/json."
NO_GRAPHQL_BY_GET = "GraphQL is answered by POST only, with the content type application/json."


@dataclass(frozen=True)
class Site:
    """The names under which the UI may be asked for, beside those of loopback."""

    hosts: frozenset[str] = frozenset()  # `name`, whatever the port, or `name:port`
    origin: str = ""  # scheme, name and port in the browser, where a proxy serves the UI; empty on loopback

    @classmethod
    def of(cls, of: Settings) -> "Site":
        """The site of `AI_USAGE_UI_URL` and `AI_USAGE_UI_HOSTS`."""
        url = urlsplit(of.ui_url.lower())
        name = url.hostname or ""
        if name in LOOPBACK:  # there each port is another site, and any program of the machine may have one
            return cls(frozenset(of.ui_hosts))
        usual = {"http": ":80", "https": ":443"}[url.scheme]  # which browsers leave out
        return cls(frozenset({*of.ui_hosts, name}), f"{url.scheme}://{url.netloc.removesuffix(usual)}")

    def refusal(self, method: str, headers: Headers) -> str:
        """Why a request is not answered; empty if it is. A WebSocket is asked for by GET."""
        host = _one(headers, "host")
        if not self._has(host):
            return WRONG_HOST
        origin = _one(headers, "origin")
        if not self._is_own(origin, host) if origin else not _is_own_or_link(method, headers):
            return FOREIGN
        if method not in READS and _one(headers, "content-type").split(";")[0].strip() not in JSON:
            return NOT_JSON
        return ""

    def _has(self, host: str) -> bool:
        name = _name(host)
        return bool(name) and (name in LOOPBACK or name in self.hosts or host in self.hosts)

    def _is_own(self, origin: str, host: str) -> bool:
        if origin == self.origin:
            return True
        if _name(host) == urlsplit(self.origin).hostname:
            return False  # only as in AI_USAGE_UI_URL: not by http if it has https
        return origin in {f"http://{host}", f"https://{host}"}


def _is_own_or_link(method: str, headers: Headers) -> bool:
    """Without an `Origin`: a program, an old browser's read, a page of ours, or a link from elsewhere that a person
    followed; no frame, image or script of another site.
    """
    is_followed = _one(headers, "sec-fetch-mode") == "navigate" and _one(headers, "sec-fetch-dest") == "document"
    return _one(headers, "sec-fetch-site") in SAME_SITE or (method in READS and is_followed)


def _name(host: str) -> str:
    """A Host without its port; empty if it is none."""
    found = re.fullmatch(r"(?:\[([0-9a-f:]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?", host)
    return (found[1] or found[2]) if found else ""


def _one(headers: Headers, name: str) -> str:
    """A header in lower case. Sent twice it is like nothing that is expected."""
    return ", ".join(headers.getlist(name)).lower()
