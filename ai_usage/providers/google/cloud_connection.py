"""How Google Cloud is asked: with which credentials, and within the limits that hold for every provider.

Without a file of an account's own, Google's library finds the credentials: those that GOOGLE_APPLICATION_CREDENTIALS
names, or else the machine's. A stand-in on loopback is asked without any.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from ai_usage.errors import SettingError
from ai_usage.ingest.http.api import Api
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import Client, http_client
from ai_usage.ingest.http.errors import KeyRefused
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.google.endpoints import CREDENTIALS_VARIABLE, READ_SCOPES
from ai_usage.secrecy import keep_secret
from ai_usage.settings import LOOPBACK

if TYPE_CHECKING:
    from google.auth.credentials import Credentials


@dataclass
class Connection:
    """What all clients of one account share: its credentials, found once they are needed, and the requests sent."""

    credentials_file: str = ""  # the key file of a service account; empty: whatever Google's library finds
    patience: Patience = field(default_factory=Patience)
    limits: Limits | None = None  # None: those of the settings
    transport: httpx.BaseTransport | None = None  # of tests: in place of the network
    requests: int = field(default=0, init=False)  # by all clients, retries included
    _credentials: "Credentials | None" = field(default=None, init=False, repr=False)
    _clients: list[Client] = field(default_factory=list, init=False, repr=False)

    def http(self, base_url: str) -> Client:
        """A client for one of Google's APIs, closed with the connection. It counts its requests."""
        client = http_client(base_url, {}, self.transport, self.limits)
        client.event_hooks["request"].append(self._count)
        self._clients.append(client)
        return client

    def api(self, words: ApiWords, base_url: str, *, usual: str) -> Api:
        """One of Google's REST APIs: every request carries a token that is valid then."""
        client = self.http(base_url)
        if not is_stand_in(base_url):
            client.event_hooks["request"].append(self._authorize(base_url))
        return Api(words.at(base_url, usual=usual), client, self.patience)

    def credentials(self) -> "Credentials":
        """The account's credentials; `SettingError` if there are none that can be used."""
        if self._credentials is None:
            self._credentials = _found(self.credentials_file)
        return self._credentials

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _count(self, _: httpx.Request) -> None:
        self.requests += 1

    def _authorize(self, base_url: str) -> Callable[[httpx.Request], None]:
        renewing: list[Any] = []  # made once a token is needed

        def authorize(request: httpx.Request) -> None:
            from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - Google's libraries are slow to import

            credentials = self.credentials()
            if not renewing:
                renewing.append(renewal(self.http(base_url)))
            try:
                if not credentials.valid:
                    credentials.refresh(renewing[0])  # type: ignore[no-untyped-call]
            except GoogleAuthError as error:
                raise refused(error) from None
            keep_secret(str(credentials.token))
            request.headers["authorization"] = f"Bearer {credentials.token}"

        return authorize


def is_stand_in(base_url: str) -> bool:
    """Whether it is on loopback: no credentials are sent there."""
    return httpx.URL(base_url).host in LOOPBACK


def renewal(client: Client) -> Any:
    """What Google's library renews a token through."""
    from google.auth.transport.requests import Request  # noqa: PLC0415 - as above

    from ai_usage.sheet.wire import session_over  # noqa: PLC0415 - as above

    return Request(session_over(client, None))


def refused(error: Exception) -> KeyRefused:
    """The credentials exist, and Google does not accept them."""
    return KeyRefused(
        f"Google refused the credentials ({type(error).__name__}). {CREDENTIALS_VARIABLE} (of another account: its "
        "credentials_file) no longer opens anything: make the service account a new key.",
        explanation="the credentials are refused",
    )


def _found(file: str) -> "Credentials":
    import google.auth  # noqa: PLC0415 - as above
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - as above
    from google.oauth2 import service_account  # noqa: PLC0415 - as above

    try:
        if file:
            return service_account.Credentials.from_service_account_file(file, scopes=READ_SCOPES)  # type: ignore[no-untyped-call, no-any-return]
        credentials, _ = google.auth.default(scopes=READ_SCOPES)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise SettingError(
            f"No Google credentials: set {CREDENTIALS_VARIABLE} to the key file of a service account, or log in with "
            f"gcloud auth application-default login. ({type(error).__name__})"
        ) from None
    found: Credentials = credentials
    return found
