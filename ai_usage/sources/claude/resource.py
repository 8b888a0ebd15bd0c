"""The `claude_admin` resource: the client a run uses, or None where no key is configured."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import dagster as dg

from ai_usage.settings import settings
from ai_usage.sources.claude.client import ClaudeAdmin


class ClaudeAdminResource(dg.ConfigurableResource[ClaudeAdmin | None]):
    """Keys come as `EnvVar`, so that run storage and the UI hold their names only. Empty is not configured."""

    base_url: str
    admin_key: str = ""
    analytics_key: str = ""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ClaudeAdmin | None]:
        if not self.admin_key:
            yield None
            return
        admin = ClaudeAdmin.open(
            base_url=self.base_url,
            admin_key=self.admin_key,
            analytics_key=self.analytics_key,
            now=settings().now,
        )
        with closing(admin):
            yield admin
