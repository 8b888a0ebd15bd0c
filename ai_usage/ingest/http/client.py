"""An httpx client within limits of time and size. No error names a key that it sends."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx

from ai_usage.errors import SettingError
from ai_usage.ingest.http.bodies import Limits, body_of
from ai_usage.ingest.http.deadlines import TimeAllowed, exchange, hold_to_deadlines
from ai_usage.secrecy import keep_secret
from ai_usage.settings import LOOPBACK, settings


class Client(httpx.Client):
    """An httpx client that reads every answer to its end, within its limits of time and size."""

    limits: Limits
    allowed: TimeAllowed  # for all requests to a source; clients of one source may share it

    def send(self, request: httpx.Request, *, stream: bool = False, **more: Any) -> httpx.Response:
        """The answer with its body, decompressed."""
        with exchange(self.limits.answer_seconds):
            try:
                response = super().send(request, stream=True, **more)
            except (OverflowError, UnicodeError) as error:  # for an impossible port or host, such as a proxy's
                raise httpx.ConnectError(str(error)) from None
            try:
                response._content = body_of(response, self.limits)  # noqa: SLF001 - what `read` would set
            finally:
                response.close()
        return response


class _Unusable(httpx.BaseTransport):
    """Stands for a network with an unusable configuration: every request raises a `SettingError`."""

    def __init__(self, why: str) -> None:
        self.why = why

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise SettingError(self.why)


def http_client(
    base_url: str,
    headers: Mapping[str, str],
    transport: httpx.BaseTransport | None = None,
    limits: Limits | None = None,
) -> Client:
    """A client with a user agent and timeouts that follows no redirects, which could leak the key. From now on no error
    shows its keys. Without `limits`, those of the settings apply.

    A proxy of the environment is not used for our loopback, which it cannot reach.
    """
    for name, value in headers.items():
        refuse_unsendable(f"The {name} header", value)
    keep_secret(*_keys_of(headers))
    is_local = httpx.URL(base_url).host in LOOPBACK
    options: dict[str, Any] = {
        "base_url": base_url,
        "headers": {"user-agent": user_agent(), **headers},
        "timeout": httpx.Timeout(60.0, connect=10.0),
        "limits": httpx.Limits(max_connections=8),
    }
    try:
        client = Client(**options, transport=transport, trust_env=transport is None and not is_local)
    except (ValueError, httpx.InvalidURL, ImportError, OSError) as error:
        why = _unusable_environment(error)
        client = Client(**options, transport=_Unusable(why), trust_env=False)
    client.limits = limits or Limits.of(settings())
    client.allowed = TimeAllowed(client.limits.pull_seconds)
    hold_to_deadlines(client)
    return client


def _keys_of(headers: Mapping[str, str]) -> Iterator[str]:
    """The secrets in the headers, as they are sent and as they were before."""
    for name in ("x-api-key", "authorization"):
        scheme, _, key = headers.get(name, "").rpartition(" ")
        yield key
        if scheme == "Basic":
            try:
                yield b64decode(key).decode(errors="replace").strip(":")
            except NotBase64:
                continue


def _unusable_environment(error: Exception) -> str:
    """A sentence about httpx's environment variables, without their values: a proxy's URL may hold a password."""
    if isinstance(error, OSError):
        return "SSL_CERT_FILE or SSL_CERT_DIR does not lead to certificates that can be read."
    return (
        "A proxy that the environment names (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY) cannot be used: "
        "write it as http://host:port; SOCKS is not supported."
    )


def refuse_unsendable(what: str, value: str) -> None:
    """`SettingError` for a value that no header can carry; raised here, because later errors would quote the key."""
    if not (value.isascii() and value.isprintable()):
        raise SettingError(
            f"{what} cannot be sent: the key has a character no key has, such as a line break or an ellipsis. "
            "Copy it again."
        )


def user_agent() -> str:
    """Our name and version, which providers ask clients to send."""
    try:
        ours = version("ai_usage")
    except PackageNotFoundError:  # run from a checkout, not installed
        ours = "checkout"
    return f"ai_usage/{ours} python-httpx/{httpx.__version__}"
