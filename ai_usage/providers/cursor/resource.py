"""The `cursor_admin` resource: the client a run uses, or None where no key is configured."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from hashlib import sha256

from ai_usage.ingest.pace import Pace
from ai_usage.providers.cursor.client import RATE, RATES, CursorAdmin
from ai_usage.settings import Settings, secret

SLACK = 1.0  # seconds a minute: more than one request can be slower than another


@contextmanager
def cursor_admin_of(of: Settings) -> Iterator[CursorAdmin | None]:
    """The client that the settings name, with the key of this process's environment."""
    if not of.has_cursor_key:
        yield None
        return
    key = secret("CURSOR_ADMIN_API_KEY")
    pace = team_pace(of.cursor_base_url, key)
    with closing(CursorAdmin.open(base_url=of.cursor_base_url, key=key, now=of.now, pace=pace)) as admin:
        yield admin


def team_pace(base_url: str, key: str) -> Pace:
    """One for all runs of this process: the steps of a run share a client, but the next run opens another, and the
    vendor's minute does not begin anew with it.
    """
    return _pace(base_url, sha256(key.strip().encode()).hexdigest())


@cache
def _pace(_base_url: str, _key_hash: str) -> Pace:
    return Pace(RATES, RATE, slack=SLACK)
