"""OpenAI's contract for organizations and for Codex: paths, dimensions, limits, and what to do about refusals."""

from ai_usage.ingest.http.refusals import ApiWords

SOURCE = "openai"
COST_DAYS = 180  # buckets a request; the default is 7
USAGE_DAYS = 31  # the same, of usage
CODEX_DAYS = 31  # of Codex, which states no limit of days
CODEX_DEPTH = 90  # days back that it may be asked
CODEX_ROWS = 500  # a page: the most that was seen
ITEMS_A_PAGE = 100
REQUESTS_A_MINUTE = 300  # no rate is documented, but a token that never ends must not be followed at full speed
AT_ONCE = 4  # lists of projects under way together

COSTS = "/organization/costs"
USAGE = "/organization/usage/{endpoint}"
PROJECTS = "/organization/projects"
USERS = "/organization/users"
ADMIN_KEYS = "/organization/admin_api_keys"
OF_PROJECT = "/organization/projects/{project}/{kind}"
CODEX_USAGE = "/workspaces/{workspace}/usage"

Grouping = tuple[str, ...]

# Each ladder is asked from its first rung; where an organization refuses a grouping, the next rung is asked.
COST_LADDER: tuple[Grouping, ...] = (
    ("project_id", "line_item", "api_key_id"),
    ("project_id", "line_item"),
    ("line_item",),
    (),
)
_BY_KEY = ("project_id", "user_id", "api_key_id")
_BY_MODEL = (*_BY_KEY, "model")
USAGE_GROUPS: dict[str, Grouping] = {
    **dict.fromkeys(("completions", "decisions"), (*_BY_MODEL, "batch", "service_tier")),
    **dict.fromkeys(("embeddings", "moderations", "audio_speeches", "audio_transcriptions"), _BY_MODEL),
    "images": (*_BY_MODEL, "size", "source"),
    "file_search_calls": (*_BY_KEY, "vector_store_id"),
    "web_search_calls": (*_BY_MODEL, "context_level"),
    **dict.fromkeys(("vector_stores", "code_interpreter_sessions"), ("project_id",)),
}
MAY_BE_MISSING = ("decisions",)  # endpoints that organizations need not be offered

OPENAI = ApiWords(
    name="OpenAI",
    advice={
        300: "OPENAI_ADMIN_BASE_URL leads elsewhere, and a key follows no redirect: write where it leads.",
        400: "The request itself is refused: that is ours to mend.",
        403: "The key is known but may not read this: an organization owner makes an Admin key that may.",
        404: "This organization does not have that endpoint.",
        429: "The organization's request rate is used up; another tool may share it. Try again later.",
        500: "OpenAI is in trouble: see its status page and run this again later.",
    },
)
CODEX = ApiWords(
    name="Codex",
    advice={
        **OPENAI.advice,
        300: "OPENAI_CODEX_BASE_URL leads elsewhere, and a key follows no redirect: write where it leads.",
        403: "The key is known but may not read this: it needs the scope codex.enterprise.analytics.read.",
        404: "There is no such ChatGPT workspace, or it has no Codex analytics: see OPENAI_CODEX_WORKSPACE_ID.",
    },
)

ADMIN_VARIABLE, CODEX_VARIABLE = "OPENAI_ADMIN_KEY", "OPENAI_CODEX_ANALYTICS_KEY"
WORKSPACE_VARIABLE = "OPENAI_CODEX_WORKSPACE_ID"
REFUSED_ADMIN_KEY = (
    "{variable} is wrong, revoked or of another kind: an organization owner makes an Admin key (sk-admin-…) in the "
    "organization's settings under Admin keys."
)
REFUSED_CODEX_KEY = (
    "{variable} is wrong, revoked or of another kind: an owner or admin of the ChatGPT workspace makes a key with the "
    "scope codex.enterprise.analytics.read; an Admin key of the API organization does not open it."
)


def ladder_of(endpoint: str) -> tuple[Grouping, ...]:
    """The groupings of a usage report: by user too, or else without."""
    whole = USAGE_GROUPS[endpoint]
    without_user = tuple(name for name in whole if name != "user_id")
    return (whole,) if whole == without_user else (whole, without_user)
