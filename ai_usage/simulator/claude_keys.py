"""The keys of the simulated organization, and what each of them opens."""

from starlette.requests import Request

from ai_usage.simulator.claude_lists import RENAMED
from ai_usage.simulator.queries import RefusalError

ADMIN_KEY = "sk-ant-admin01-simulated"
# Of the Enterprise organization, which has no usage-based cost: it opens analytics alone, and no other key opens the
# report of claude.ai users.
ANALYTICS_KEY = "sk-ant-simulated-analytics"
LIMITED_KEY = "sk-ant-admin01-simulated-limited"  # opens all but the analytics
WORKSPACE_KEY = "sk-ant-api03-simulated"  # opens nothing: a key for sending messages
OPENS = {
    ADMIN_KEY: {"admin", "analytics"},
    ANALYTICS_KEY: {"analytics", "engagement", "limits"},
    LIMITED_KEY: {"admin"},
    WORKSPACE_KEY: set[str](),
}

VERSIONS = ("2023-06-01", RENAMED)


def key_of(request: Request) -> str:
    """The key that a request sends, in either header."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.headers.get("x-api-key") or bearer


def admit(request: Request, door: str, suffix: str) -> None:
    """Refuses a request by its key first, then its version header, then what the key opens."""
    sent = key_of(request)
    if not sent:
        raise RefusalError("x-api-key header is required", 401)
    key = sent.removesuffix(suffix)
    if key not in OPENS or not sent.endswith(suffix):
        raise RefusalError("", 401)
    if request.headers.get("anthropic-version") not in VERSIONS:
        raise RefusalError("anthropic-version: header is required, one of " + ", ".join(VERSIONS))
    if door not in OPENS[key]:
        raise RefusalError("", 403)
