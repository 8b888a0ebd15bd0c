"""Access tokens: renewed when they expire, refused in plain words, and never shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.auth.exceptions import RefreshError

from ai_usage.errors import SettingError
from ai_usage.ingest.http.errors import KeyRefused
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.google.access_tokens import AccessTokens, access_tokens
from ai_usage.providers.google.metrics.client import MONITORING, MONITORING_URL
from ai_usage.providers.google.rest_api import RestApi
from ai_usage.secrecy import without_secrets


class Expiring:
    """Credentials with a token that is valid for the next request alone."""

    def __init__(self, *, is_refused: bool = False) -> None:
        self.refreshed, self.is_refused = 0, is_refused
        self.token: str | None = None
        self.until = datetime.min.replace(tzinfo=UTC)

    @property
    def valid(self) -> bool:
        return datetime.now(UTC) < self.until

    def refresh(self, _: Any) -> None:
        if self.is_refused:
            raise RefreshError("invalid_grant: a secret of theirs")  # type: ignore[no-untyped-call]
        self.refreshed += 1
        self.token = f"ya29.token-number-{self.refreshed:04d}"
        self.until = datetime.now(UTC) + timedelta(hours=1)


def api_of(credentials: Any, asked: list[str]) -> RestApi:
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["authorization"])
        return httpx.Response(200, json={})

    return RestApi.open(
        MONITORING,
        MONITORING_URL,
        usual=MONITORING_URL,
        tokens=AccessTokens(credentials, None),
        patience=Patience(attempts=1),
        transport=httpx.MockTransport(answer),
    )


def test_a_token_is_renewed_when_it_expires_and_is_a_secret() -> None:
    credentials = Expiring()
    asked: list[str] = []
    api = api_of(credentials, asked)
    for _ in range(2):
        api.listed("/v3/x", {}, items="timeSeries")
    credentials.until = datetime.min.replace(tzinfo=UTC)
    api.listed("/v3/x", {}, items="timeSeries")
    assert asked == [f"Bearer ya29.token-number-{n:04d}" for n in (1, 1, 2)]
    assert "ya29.token-number-0002" not in without_secrets("the token ya29.token-number-0002 was sent")


def test_credentials_that_google_refuses_are_a_refused_key_without_its_words() -> None:
    with pytest.raises(KeyRefused, match=r"Google refused the credentials \(RefreshError\)") as refused:
        api_of(Expiring(is_refused=True), []).listed("/v3/x", {}, items="timeSeries")
    assert "theirs" not in str(refused.value)


def test_a_file_that_is_none_is_named_by_its_field(tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(SettingError, match="set credentials_file to the file of a service account"):
        access_tokens(["scope"], credentials_file=str(file))
