"""The `cursor_admin` resource: the client a run uses, or None where no key is configured."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from hashlib import sha256

import dagster as dg

from ai_usage.settings import settings
from ai_usage.sources.cursor.client import RATE, RATES, CursorAdmin
from ai_usage.sources.pace import Pace

SLACK = 1.0  # seconds a minute: more than one request can be slower than another


class CursorAdminResource(dg.ConfigurableResource[CursorAdmin | None]):
    """The key comes as an `EnvVar`, so that run storage and the UI hold its name only. Empty is not configured."""

    base_url: str
    key: str = ""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[CursorAdmin | None]:
        if not self.key:
            yield None
            return
        pace = team_pace(self.base_url, self.key)
        with closing(CursorAdmin.open(base_url=self.base_url, key=self.key, now=settings().now, pace=pace)) as admin:
            yield admin


def team_pace(base_url: str, key: str) -> Pace:
    """One for all runs of this process: the steps of a run share a client, but the next run opens another, and the
    vendor's minute does not begin anew with it.
    """
    return _pace(base_url, sha256(key.strip().encode()).hexdigest())


@cache
def _pace(_base_url: str, _key_hash: str) -> Pace:
    return Pace(RATES, RATE, slack=SLACK)
