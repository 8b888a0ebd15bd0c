"""What `doctor` tries of OpenAI's accounts."""

from ai_usage.errors import SettingError
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.pulls import REPORTS
from ai_usage.providers.probe import Key, Probe


def projects(admin: OpenAIAdmin) -> str:
    """What the Admin key opens."""
    return f"an organization of {len(admin.projects().records)} projects"


def refuse_codex_key(admin: OpenAIAdmin) -> None:
    """`SettingError` if the workspace's key is not accepted."""
    if not admin.is_key_accepted():
        raise SettingError(f"Codex analytics answer 401. {admin.api.words.advice[401]}")


PROBE = Probe(
    title="OpenAI",
    hint="Set OPENAI_ADMIN_KEY to an Admin key (an organization owner makes one).",
    keys=(
        Key(
            what="the key is accepted",
            is_had=lambda admin: admin.is_of_organization,
            ask=projects,
            opens=lambda _, pull: pull != "openai_codex_usage",
        ),
        Key(
            what="the key of the ChatGPT workspace is accepted",
            is_had=lambda admin: admin.is_of_workspace,
            ask=refuse_codex_key,
            opens=lambda _, pull: pull == "openai_codex_usage",
        ),
    ),
    reports=REPORTS,
    tried_by_keys=("openai_projects",),
    quota="none is documented; pulls keep to 300 requests a minute.",
)
