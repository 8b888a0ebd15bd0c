"""What `doctor` tries of Cursor's teams."""

from ai_usage.providers.cursor.pulls import REPORTS
from ai_usage.providers.probe import Key, Probe

PROBE = Probe(
    title="Cursor",
    hint="Set CURSOR_ADMIN_API_KEY (an Enterprise team's Admin key, scope admin:*).",
    keys=(Key(what="the key is accepted", ask=lambda admin: f"a team of {len(admin.members().records)}"),),
    reports=REPORTS,
    tried_by_keys=("cursor_members",),
    quota="20 requests a minute for each endpoint, 60 for usage events; pulls keep to it.",
)
