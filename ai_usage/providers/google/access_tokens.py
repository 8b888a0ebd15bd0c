"""Access tokens of Google's own credentials: a service account's file, or those of the machine."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import google.auth
import google.auth.transport.requests as google_requests
import httpx
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import service_account

from ai_usage.errors import SettingError
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import KeyRefused
from ai_usage.secrecy import keep_secret
from ai_usage.sheet.wire import session_over

TOKEN_URL = "https://oauth2.googleapis.com"  # noqa: S105 - an address
ADVICE = (
    "The service account's key is wrong, revoked or disabled, or the machine's login expired: see "
    "GOOGLE_APPLICATION_CREDENTIALS."
)


@dataclass
class AccessTokens(httpx.Auth):
    """Sends each request with an access token, which is renewed when it expires. `KeyRefused` where Google does not
    renew it. Safe to share between threads and clients.
    """

    credentials: Credentials
    renewing: Any  # a request of google-auth
    _turn: Lock = field(default_factory=Lock, init=False, repr=False)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self.token()}"
        yield request

    def token(self) -> str:
        """One that is valid now."""
        with self._turn:
            if not self.credentials.valid:
                try:
                    self.credentials.refresh(self.renewing)  # type: ignore[no-untyped-call]
                except GoogleAuthError as error:
                    raise KeyRefused(f"Google refused the credentials ({type(error).__name__}). {ADVICE}") from None
            token = str(self.credentials.token)
        keep_secret(token)
        return token


def access_tokens(scopes: Sequence[str], *, credentials_file: str = "", limits: Limits | None = None) -> AccessTokens:
    """Tokens of the account's own file, else of what GOOGLE_APPLICATION_CREDENTIALS or the machine has; `SettingError`
    where there are none.
    """
    try:
        if credentials_file:
            found = service_account.Credentials.from_service_account_file(credentials_file, scopes=scopes)  # type: ignore[no-untyped-call]
        else:
            found, _ = google.auth.default(scopes=scopes)
    except (GoogleAuthError, OSError, ValueError) as error:
        where = "credentials_file" if credentials_file else "GOOGLE_APPLICATION_CREDENTIALS"
        raise SettingError(
            f"No Google credentials: set {where} to the file of a service account. ({type(error).__name__})"
        ) from error
    wire = http_client(TOKEN_URL, {}, limits=limits)
    return AccessTokens(found, google_requests.Request(session_over(wire, None)))
