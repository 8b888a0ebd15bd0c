"""What `doctor` tries of Anthropic's accounts."""

from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from ai_usage.errors import SettingError
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.csv_file import read_audit_log
from ai_usage.providers.anthropic.audit_log.folder import uploads_of
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.pulls import REPORTS
from ai_usage.providers.anthropic.tables import ANALYTICS_PULLS, SPEND_LIMIT_PULLS
from ai_usage.providers.probe import Files, Key, Probe
from ai_usage.settings import Settings


def owner(admin: ClaudeAdmin) -> str:
    """The organization that the Admin key belongs to."""
    found = msgspec.json.decode(admin.organization().records[0], type=dict[str, Any])
    return f"it belongs to {found.get('name') or 'an organization without a name'} ({found['id']})"


def refuse_analytics_key(admin: ClaudeAdmin) -> None:
    """`SettingError` if the Analytics key is not accepted."""
    if not admin.is_analytics_key_accepted():
        raise SettingError(f"Each of the analytics answers 401. {admin.analytics.words.advice[401]}")


def opened_by_analytics_key(admin: ClaudeAdmin, pull: str) -> bool:
    """An Analytics key opens the analytics; without one the Admin key does."""
    return admin.has_analytics_key and pull in (*ANALYTICS_PULLS, *SPEND_LIMIT_PULLS)


def audit_logs(of: Settings) -> Files:
    """The uploaded exports of claude.ai's audit log, each read to its end."""
    found = uploads_of(of)
    return Files(
        title="Audit-log exports of claude.ai",
        where=str(of.uploads_dir),
        read={path.name: partial(_covers, path, of) for path in (found.files() if found else [])},
        not_configured="not read where the built-in providers answer"
        if of.simulate
        else f"there is no *.csv in {of.uploads_dir}",
    )


def _covers(path: Path, of: Settings) -> str:
    covers = read_audit_log(path, Span(of.yesterday(), of.yesterday()), now=of.now()).covers
    return f"covers {covers}" if covers else "has no event"


PROBE = Probe(
    title="Claude",
    hint="Set ANTHROPIC_ADMIN_API_KEY to an Admin key (Console, Settings, Admin keys).",
    keys=(
        Key(
            what="the key is accepted",
            is_had=lambda admin: admin.has_admin_key,
            ask=owner,
            opens=lambda admin, pull: not opened_by_analytics_key(admin, pull),
        ),
        Key(
            what="the Analytics key is accepted",
            is_had=lambda admin: admin.has_analytics_key,
            ask=refuse_analytics_key,
            opens=opened_by_analytics_key,
        ),
    ),
    reports=REPORTS,
    tried_by_keys=("claude_organization",),
    quota="analytics 60 requests a minute for the whole organization, which pulls keep to; the other reports state "
    "none, but ask for no more than a poll a minute.",
    files=audit_logs,
)
