"""The `claude_admin` resource: the client a run uses, or None where no key is configured."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.settings import Settings, secret


@contextmanager
def claude_admin_of(of: Settings) -> Iterator[ClaudeAdmin | None]:
    """The client that the settings name, with the keys of this process's environment."""
    if not of.has_anthropic_admin_key:
        yield None
        return
    admin = ClaudeAdmin.open(
        base_url=of.anthropic_base_url,
        admin_key=secret("ANTHROPIC_ADMIN_API_KEY"),
        analytics_key=secret("ANTHROPIC_ANALYTICS_API_KEY") if of.has_anthropic_analytics_key else "",
        now=of.now,
    )
    with closing(admin):
        yield admin
