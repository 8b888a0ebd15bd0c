"""Google's own libraries over the HTTP client of all providers, so that its limits of time and size hold for the sheet
and its credentials too.
"""

from typing import Any, cast

import google.auth.transport.requests as google_requests
import httpx
import requests
from google.auth.credentials import Credentials
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from ai_usage.ingest.http.bodies import TooMuch, Undecodable
from ai_usage.ingest.http.client import Client
from ai_usage.ingest.http.errors import DamagedAnswer, TooLarge, Unreachable
from ai_usage.secrecy import keep_secret


class Wire(BaseAdapter):
    """What `requests` hands its requests to. Fails with a `ApiError`, without the error behind it."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - as inherited
        timeout: Any = None,
        verify: Any = True,  # noqa: FBT002
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        keep_secret(str(request.headers.get("Authorization", "")).rpartition(" ")[2])
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        try:
            answer = self.client.request(
                str(request.method),
                str(request.url),
                headers=[(name, str(value)) for name, value in request.headers.items()],
                content=cast("bytes | str | None", request.body),
                timeout=httpx.Timeout(read, connect=connect),
            )
        except TooMuch as error:
            raise TooLarge(f"Google's answer {error}: nothing of it is kept.") from None
        except (httpx.RemoteProtocolError, httpx.DecodingError, Undecodable):
            raise DamagedAnswer("Google's answer broke off.") from None
        except httpx.TransportError as error:
            why = f"{type(error).__name__}: {error}".rstrip(": ")
            raise Unreachable(f"No answer from Google ({why}). Check the network or a proxy.") from None
        return _as_requests_knows_it(answer, request)

    def close(self) -> None:
        self.client.close()


def session_over(client: Client, credentials: Credentials | None) -> requests.Session:
    """A session of `requests` that asks through the client, and renews the credentials through it too."""
    wire = Wire(client)
    if credentials is None:
        return _over(wire, requests.Session())
    renewing = google_requests.Request(_over(wire, requests.Session()))
    return _over(wire, google_requests.AuthorizedSession(credentials, auth_request=renewing))  # type: ignore[no-untyped-call]


def _over(wire: Wire, session: requests.Session) -> requests.Session:
    for scheme in ("https://", "http://"):
        session.mount(scheme, wire)
    session.trust_env = False  # proxies are the client's business, and a .netrc would take the token's place
    return session


def _as_requests_knows_it(answer: httpx.Response, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code, response.reason = answer.status_code, answer.reason_phrase
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.url, response.request = str(request.url), request
    response._content, response._content_consumed = answer.content, True  # noqa: SLF001 - what reading would set
    return response
