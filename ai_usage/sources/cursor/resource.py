"""The `cursor_admin` resource: the client a run uses, or None where no key is configured."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import dagster as dg

from ai_usage.settings import settings
from ai_usage.sources.cursor.client import CursorAdmin


class CursorAdminResource(dg.ConfigurableResource[CursorAdmin | None]):
    """The key comes as an `EnvVar`, so that run storage and the UI hold its name only. Empty is not configured."""

    base_url: str
    key: str = ""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[CursorAdmin | None]:
        if not self.key:
            yield None
            return
        with closing(CursorAdmin.open(base_url=self.base_url, key=self.key, now=settings().now)) as admin:
            yield admin
