"""The Claude Admin API's contract: endpoints, versions, dimensions, limits, and what to do about its refusals."""

from datetime import date

from ai_usage.ingest.http.refusals import ApiWords

SOURCE = "anthropic"
VERSION = "2023-06-01"
ANALYTICS_BETA = "analytics-usage-cost-2026-08-24"
SPEED_BETA = "fast-mode-2026-02-01"  # without it the usage report has no speed
ANALYTICS_FIRST_DAY = date(2026, 1, 1)  # Anthropic keeps nothing older
ANALYTICS_DEPTH = 365  # days back that may be asked

DAYS_A_REQUEST = 31  # cost and usage buckets a page; Anthropic's default is 7
ROWS_A_REQUEST = 1000
LIMITS_A_REQUEST = 20
REQUESTS_A_MINUTE = 3000  # no rate is documented, but a cursor that never ends must not be followed at full speed
ANALYTICS_REQUESTS_A_MINUTE = 60  # of an organization, by contract
AT_ONCE = 4  # requests under way together: "short bursts to page through history are fine"

ME = "/v1/organizations/me"
ANALYTICS_COST = "/v1/organizations/analytics/cost"
ANALYTICS_USAGE = "/v1/organizations/analytics/usage"
ANALYTICS_USERS = "/v1/organizations/analytics/users"
SPEND_LIMITS = "/v1/organizations/spend_limits/effective"

COST_GROUPS = ("workspace_id", "description")
# The usage report refuses a sixth dimension. Two requests share the dimensions that money depends on; a dimension that
# a request does not name is null in its answer, which is no value.
USAGE_GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
SPEED_GROUPS = ("api_key_id", "workspace_id", "model", "inference_geo", "speed")
ANALYTICS_GROUPS = ("product", "workspace_id", "api_key_id", "actor", "model")
ANALYTICS_COST_GROUPS = (*ANALYTICS_GROUPS, "cost_type", "token_type")

CLAUDE = ApiWords(
    name="Claude",
    advice={
        300: "ANTHROPIC_ADMIN_BASE_URL leads elsewhere, and a key follows no redirect: write where it leads.",
        400: "The request itself is refused: a day too recent may pass later; anything else is ours to mend.",
        402: "Billing has stopped: an organization admin finds the reason in the Console.",
        403: "The key is known but may not read this: use an Admin key that is not scoped to a workspace; "
        "analytics needs the scope read:analytics.",
        404: "This organization does not have that endpoint.",
        429: "The organization's request rate is used up; another tool may share it. Try again later.",
        500: "Anthropic is in trouble: see its status page and run this again later.",
    },
)

ADMIN_VARIABLE, ANALYTICS_VARIABLE = "ANTHROPIC_ADMIN_API_KEY", "ANTHROPIC_ANALYTICS_API_KEY"
REFUSED_ADMIN_KEY = (
    "{variable} is wrong, revoked or of another kind: an organization admin makes an Admin key (sk-ant-admin…) in the "
    "Console under Settings, Admin keys."
)
REFUSED_ANALYTICS_KEY = (
    "{variable} is wrong, revoked or of another kind: analytics needs a key with the scope read:analytics."
)
